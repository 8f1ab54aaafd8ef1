#pragma once

#include "cloudflow/base/time.hpp"

#include <algorithm>
#include <chrono>

namespace cloudflow::pubsub::kafka {

/// Who waits for what librdkafka has no event for looks again after so long.
constexpr std::chrono::milliseconds pause_between_looks{50};

/// A moment by which something has to be done. Immutable; `time` outlives it.
class deadline {
public:
  deadline(const clock& time, std::chrono::milliseconds from_now)
    : time_(time), at_(time.monotonic() + from_now) {}

  bool has_passed() const { return time_.monotonic() >= at_; }
  /// From 0 on.
  std::chrono::milliseconds left() const {
    return std::max(std::chrono::milliseconds{0},
                    std::chrono::ceil<std::chrono::milliseconds>(at_ - time_.monotonic()));
  }

private:
  const clock& time_;
  const std::chrono::nanoseconds at_;
};

}  // namespace cloudflow::pubsub::kafka
