/// Keys that something has to be done for, once for many reasons.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>

namespace cloudflow::controller {

/// A key is in it once, however often it is added, and one thread at a time works on it: what is
/// added meanwhile comes again afterwards. Thread-safe.
template <class Key>
class work_queue {
public:
  using duration = std::chrono::milliseconds;
  using time = std::chrono::steady_clock::time_point;

  /// After a failure a key waits for `first`, then twice as long each time, up to `longest`.
  work_queue(duration first, duration longest) : first_(first), longest_(longest) {}

  /// As soon as a thread is there.
  void add(const Key& key) { add_after(key, duration::zero()); }
  /// Not before `delay` has passed; an earlier time that it has stays.
  void add_after(const Key& key, duration delay) {
    const std::lock_guard lock{mutex_};
    schedule(key, std::chrono::steady_clock::now() + delay);
  }

  /// Blocks until a key is due and hands it out; none: a stop was requested.
  std::optional<Key> take(const std::stop_token& stop) {
    std::unique_lock lock{mutex_};
    for (;;) {
      if (stop.stop_requested()) return {};
      const auto next = earliest();
      if (next == due_.end()) {
        changed_.wait(lock, stop, [this] { return earliest() != due_.end(); });
      } else if (next->second > std::chrono::steady_clock::now()) {
        const auto until = next->second;
        changed_.wait_until(lock, stop, until, [&] {
          const auto now_first = earliest();
          return now_first != due_.end() && now_first->second < until;
        });
      } else {
        const auto key = next->first;
        due_.erase(next);
        in_work_.insert(key);
        return key;
      }
    }
  }

  /// It has been done well.
  void done(const Key& key) {
    const std::lock_guard lock{mutex_};
    failures_.erase(key);
    finish(key);
  }
  /// It has not, and comes again, later and later.
  void failed(const Key& key) {
    const std::lock_guard lock{mutex_};
    auto& n = failures_[key];
    auto delay = first_;
    for (int i = 0; i != n && delay < longest_; ++i) delay *= 2;
    ++n;
    schedule(key, std::chrono::steady_clock::now() + std::min(delay, longest_));
    finish(key);
  }
  /// How many keys wait, also those for later.
  std::size_t size() const {
    const std::lock_guard lock{mutex_};
    return due_.size();
  }

private:
  void schedule(const Key& key, time when) {
    const auto [at, is_new] = due_.emplace(key, when);
    if (!is_new) at->second = std::min(at->second, when);
    changed_.notify_one();
  }
  void finish(const Key& key) {
    in_work_.erase(key);
    changed_.notify_one();
  }
  /// Of those that nobody works on.
  typename std::map<Key, time>::iterator earliest() {
    auto best = due_.end();
    for (auto it = due_.begin(); it != due_.end(); ++it)
      if (!in_work_.contains(it->first) && (best == due_.end() || it->second < best->second))
        best = it;
    return best;
  }

  const duration first_, longest_;
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable_any changed_;
  std::map<Key, time> due_;
  std::set<Key> in_work_;
  std::map<Key, int> failures_;
};

}  // namespace cloudflow::controller
