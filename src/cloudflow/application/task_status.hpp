/// What a process says about its tasks: to metrics, to commands, through the socket.
#pragma once

#include "cloudflow/base/record_balance.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace cloudflow::app {

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
  record_balance counted = {};  ///< of what has been committed since the process started
  std::uint64_t commits = 0, restarts = 0;
  std::vector<source_status_view> sources;
};

/// A task that has been restarted this often without success will not get better: whoever waits for
/// its end gives up.
constexpr std::uint64_t hopeless_after_failures = 6;

}  // namespace cloudflow::app
