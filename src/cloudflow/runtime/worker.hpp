#pragma once

#include "cloudflow/runtime/task.hpp"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace cloudflow::runtime {

struct worker_options {
  /// What has been processed becomes durable at the latest after this long...
  std::chrono::milliseconds commit_interval{100};
  /// ... at the earliest after this long, so that a trickle of records is not one disk write each...
  std::chrono::milliseconds commit_linger{2};
  /// ... and when this much has come together.
  std::size_t max_uncommitted_bytes = 8 * 1024 * 1024;
  std::chrono::milliseconds commit_retry_delay{200};
  task_options tasks;
};

/// Wakes whoever sleeps on it. Thread-safe.
class wake_signal {
public:
  void notify();
  /// Until notified since the last wait, or `at_most` has passed.
  void wait_for(std::chrono::nanoseconds at_most);

private:
  std::mutex mutex_;  // guards is_set_
  std::condition_variable changed_;
  bool is_set_ = false;
};

/// Owns tasks, steps them in turn, and makes what they did durable in one transaction: the unit of commit. It starts
/// no thread and reads no clock of its own: whoever has it calls step(), on one thread at a time.
class worker {
public:
  using open_producer = std::function<pubsub::result<std::unique_ptr<pubsub::producer>>()>;

  worker(std::string name, open_producer open, const clock& time, const worker_options& options,
         logger log);

  void add(std::unique_ptr<task> t) { tasks_.push_back(std::move(t)); }
  const std::vector<std::unique_ptr<task>>& tasks() const noexcept { return tasks_; }
  wake_signal& waker() noexcept { return waker_; }
  const std::string& name() const noexcept { return name_; }

  /// One round over all tasks, and a commit when one is due. Returns how long the caller may sleep before the next
  /// round, unless it is woken: 0 when there is work.
  std::chrono::nanoseconds step();
  /// Commits what there is: before a graceful stop. Errors are logged; what was not committed is done again.
  void flush();
  /// When step() was last called, by `clock::monotonic`; thread-safe. The heartbeat behind `/live`.
  std::chrono::nanoseconds last_step() const noexcept {
    return std::chrono::nanoseconds{last_step_.load(std::memory_order_relaxed)};
  }

private:
  bool step_tasks();
  bool must_commit(bool has_worked, std::chrono::nanoseconds now) const;
  void commit();
  void commit_failed(const pubsub::error& e);

  std::string name_;
  open_producer open_;
  const clock* time_;
  worker_options options_;
  logger log_;
  wake_signal waker_;

  std::vector<std::unique_ptr<task>> tasks_;
  std::unique_ptr<pubsub::producer> producer_;
  pubsub::transaction transaction_;
  bool has_changes_ = false;
  std::chrono::nanoseconds first_change_{0}, last_commit_{0};
  /// A commit that failed and may succeed later: until then the tasks stand still.
  std::chrono::nanoseconds retry_at_{0};
  bool is_retrying_ = false;
  std::atomic<std::chrono::nanoseconds::rep> last_step_{0};
};

}  // namespace cloudflow::runtime
