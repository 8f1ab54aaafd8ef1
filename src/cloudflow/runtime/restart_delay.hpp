#pragma once

#include "cloudflow/base/time.hpp"

#include <algorithm>
#include <chrono>
#include <optional>

namespace cloudflow::runtime {

/// When a task that has failed starts again: each time twice as long after the failure, up to a
/// longest delay, until one of its commits succeeds.
class restart_delay {
public:
  restart_delay(std::chrono::milliseconds first, std::chrono::milliseconds longest)
    : first_(first), longest_(longest), next_(first) {}

  /// Returns how long it is.
  std::chrono::milliseconds failed(timestamp now) {
    const auto delay = std::min(next_, longest_);
    next_ = std::min(2 * delay, longest_);
    restart_at_ = now + delay;
    return delay;
  }
  bool is_waiting(timestamp now) const noexcept { return restart_at_ && now < *restart_at_; }
  void started() noexcept { restart_at_.reset(); }
  void succeeded() noexcept { next_ = first_; }
  void forget() noexcept {
    started();
    succeeded();
  }

private:
  std::chrono::milliseconds first_, longest_, next_;
  std::optional<timestamp> restart_at_;
};

}  // namespace cloudflow::runtime
