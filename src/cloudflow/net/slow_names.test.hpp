/// Names of this test program, instead of those of a DNS.
#pragma once

#include <condition_variable>
#include <mutex>

namespace cloudflow::net {

/// `slow.test` is looked up until release() says that there is no such name.
class slow_names {
public:
  static slow_names& all() {
    static slow_names one;
    return one;
  }

  void look_up() {
    std::unique_lock lock{mutex_};
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return is_released_; });
    --waiting_;
    changed_.notify_all();
  }
  void wait_until_asked() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] { return waiting_ != 0; });
  }
  /// Returns when nobody waits any more.
  void release() {
    std::unique_lock lock{mutex_};
    is_released_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return waiting_ == 0; });
    is_released_ = false;
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0;
  bool is_released_ = false;
};

}  // namespace cloudflow::net
