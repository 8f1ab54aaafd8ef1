#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>

namespace cloudflow::pubsub::kafka {

/// Waits before brokers are asked again. False: it is time to stop.
inline bool pause(const std::stop_token& stop, std::chrono::milliseconds length) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock{mutex};
  never.wait_for(lock, stop, length, [] { return false; });
  return !stop.stop_requested();
}

}  // namespace cloudflow::pubsub::kafka
