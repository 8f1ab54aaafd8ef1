/// What the runtime counts. Written by one worker each, once a batch; read by anybody.
#pragma once

#include "cloudflow/application/task_status.hpp"
#include "cloudflow/base/record_balance.hpp"
#include "cloudflow/base/time.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

namespace cloudflow::runtime {

/// Of one task. The writer is its worker; readers see recent values. Relaxed: the numbers say
/// nothing about each other, and nothing is synchronised by them.
struct task_metrics {
  std::atomic<std::uint64_t> records_in{0}, records_out{0}, bytes_out{0};
  std::atomic<std::uint64_t> records_late{0}, records_rejected{0};
  std::atomic<std::uint64_t> commits{0}, restarts{0};
  std::array<std::atomic<std::uint64_t>, record_way_names.size()>
      counted{};                                       ///< see record_balance
  std::atomic<timestamp> watermark{timestamp::min()};  ///< none yet

  static void add(std::atomic<std::uint64_t>& to, std::uint64_t n) noexcept {
    to.store(to.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  /// Puts all of it into `into`. `now`: what the watermark is compared with.
  void describe(app::task_status& into, timestamp now) const;
};

/// Of one worker: how its commits end. As task_metrics.
struct worker_metrics {
  std::atomic<std::uint64_t> commits{0};
  std::atomic<std::uint64_t> retries{0};  ///< could not be done, and were tried again
  std::atomic<std::uint64_t> aborts{0};   ///< failed: their work was done again
};

using app::source_status_view;
using app::task_status;
using app::worker_status;

/// The text format of Prometheus 0.0.4: one family per counter, labelled with application and with
/// streamlet and partition, or worker.
std::string to_prometheus(const std::string& app_id, const std::vector<task_status>& tasks,
                          const std::vector<worker_status>& workers);

}  // namespace cloudflow::runtime
