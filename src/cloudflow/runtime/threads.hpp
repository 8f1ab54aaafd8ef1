#pragma once

#include "cloudflow/runtime/runtime.hpp"

#include <chrono>
#include <thread>
#include <vector>

namespace cloudflow::runtime {

/// A worker that has not come round for so long never will: the process is not live, and ends.
/// Whoever starts it again dead-letters the record that it hung at, like one that crashes.
constexpr std::chrono::seconds comes_round_within{30};

/// Runs the workers of a runtime, each on a thread of its own, and a timer that makes them leave
/// long batches. The only place of the runtime that starts threads.
class worker_threads {
public:
  /// `r` outlives this.
  explicit worker_threads(const native_runtime& r);
  /// Graceful: each worker ends its round, commits, and returns.
  ~worker_threads();
  worker_threads(const worker_threads&) = delete;
  worker_threads& operator=(const worker_threads&) = delete;

private:
  const native_runtime* runtime_;
  std::vector<std::jthread> threads_;
  std::jthread timer_;
};

}  // namespace cloudflow::runtime
