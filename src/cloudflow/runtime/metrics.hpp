/// What the runtime counts. Written by one worker each, once a batch; read by anybody.
#pragma once

#include "cloudflow/base/time.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace cloudflow::runtime {

/// Of one task. The writer is its worker; readers see recent values. Relaxed: the numbers say nothing about each
/// other, and nothing is synchronised by them.
struct task_metrics {
  std::atomic<std::uint64_t> records_in{0}, records_out{0}, bytes_out{0};
  std::atomic<std::uint64_t> records_late{0}, records_rejected{0};
  std::atomic<std::uint64_t> commits{0}, restarts{0};
  std::atomic<timestamp> watermark{timestamp::min()};  ///< none yet

  static void add(std::atomic<std::uint64_t>& to, std::uint64_t n) noexcept {
    to.store(to.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
};

/// Of one worker: how its commits end. As task_metrics.
struct worker_metrics {
  std::atomic<std::uint64_t> commits{0};
  std::atomic<std::uint64_t> retries{0};  ///< could not be done, and were tried again
  std::atomic<std::uint64_t> aborts{0};   ///< failed: their work was done again
};

struct worker_status {
  std::string name;
  std::uint64_t commits = 0, retries = 0, aborts = 0;
};

/// One inlet partition of a task, as it is now.
struct source_status_view {
  std::string inlet, topic;
  std::int32_t partition = 0;
  std::int64_t position = 0;  ///< next offset to read
  std::int64_t end = 0;       ///< one behind the newest record
  std::int64_t lag() const noexcept { return end - position; }
};

/// One task, as it is now.
struct task_status {
  std::string streamlet;
  std::int32_t partition = 0;
  bool is_running = false;
  std::string failure;        ///< why it does not run; empty when it does
  bool is_restoring = false;  ///< its state is being brought here
  /// How far the watermark is behind the time of day; none: there are no windows, or no record yet.
  std::optional<std::chrono::milliseconds> watermark_delay = {};
  std::uint64_t records_in = 0, records_out = 0, bytes_out = 0, records_late = 0,
                records_rejected = 0;
  std::uint64_t commits = 0, restarts = 0;
  std::vector<source_status_view> sources;
};

/// The text format of Prometheus 0.0.4: one family per counter, labelled with application and with streamlet and
/// partition, or worker.
std::string to_prometheus(const std::string& app_id, const std::vector<task_status>& tasks,
                          const std::vector<worker_status>& workers);

}  // namespace cloudflow::runtime
