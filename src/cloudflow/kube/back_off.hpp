#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <random>
#include <stop_token>

namespace cloudflow::kube {

/// How long to wait after a failure: twice as long after each one in a row, and a random part of up
/// to a half less, so that clients which failed together do not come back together. Confined to one
/// thread.
class back_off {
public:
  back_off(std::chrono::milliseconds first, std::chrono::milliseconds longest, unsigned seed)
    : first_(first), longest_(longest), random_(seed) {}

  std::chrono::milliseconds after_failure() {
    const auto bound = next_ = next_ == next_.zero() ? first_ : std::min(2 * next_, longest_);
    std::uniform_int_distribution<std::chrono::milliseconds::rep> part{bound.count() / 2,
                                                                       bound.count()};
    return std::chrono::milliseconds{part(random_)};
  }
  void after_success() noexcept { next_ = next_.zero(); }

private:
  std::chrono::milliseconds first_, longest_, next_{0};
  std::minstd_rand random_;
};

/// Returns early when `stop` is requested.
inline void wait_for(std::chrono::milliseconds time, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock{mutex};
  never.wait_for(lock, stop, time, [] { return false; });
}

}  // namespace cloudflow::kube
