#pragma once

#include "cloudflow/runtime/membership.hpp"
#include "cloudflow/runtime/task.hpp"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace cloudflow::runtime {

struct worker_options {
  /// What has been processed is committed at the latest after this long...
  std::chrono::milliseconds commit_interval{100};
  /// ... at the earliest after this long, so that a trickle of records is not one disk write
  /// each...
  std::chrono::milliseconds commit_linger{2};
  /// ... and when this much has come together. While a commit is under way, no more than this is
  /// added. The workers of a process that have tasks share it.
  std::size_t max_uncommitted_bytes = 8 * 1024 * 1024;
  /// Before a commit that has failed is tried again; twice as long after each further failure,
  /// until it succeeds.
  std::chrono::milliseconds commit_retry_delay{200}, longest_commit_retry_delay{5'000};
  /// How long flush() waits for a log that does not answer.
  std::chrono::milliseconds flush_patience{10'000};
  /// Without a successful commit for longer, while there is something to commit: not ready.
  std::chrono::milliseconds progress_patience{20'000};
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

/// Owns tasks, steps them in turn, and makes what they did durable in one transaction: the unit of
/// commit. The tasks work on while a commit is under way. A worker starts no thread and reads no
/// clock of its own: whoever has it calls step(), on one thread at a time.
class worker {
public:
  using open_producer =
      std::function<pubsub::result<std::unique_ptr<pubsub::producer>>(std::function<void()> wake)>;

  worker(std::string name, open_producer open, const clock& time, const worker_options& options,
         logger log);

  void add(std::unique_ptr<task> t) { tasks_.push_back(std::move(t)); }
  bool has_tasks() const noexcept { return !tasks_.empty(); }
  void limit_uncommitted(std::size_t bytes) noexcept {
    options_.max_uncommitted_bytes = limit_ = bytes;
  }
  void add(membership m) { memberships_.push_back(std::move(m)); }
  const std::vector<std::unique_ptr<task>>& tasks() const noexcept { return tasks_; }
  wake_signal& waker() noexcept { return waker_; }
  const std::string& name() const noexcept { return name_; }
  /// Opens the producer, so that the first commit need not wait for it.
  pubsub::result<void> open();

  /// One round over all tasks, and a commit when one is due. Returns how long the caller may sleep
  /// before the next round, unless it is woken: 0 when there is work.
  std::chrono::nanoseconds step();
  /// The task that is at work leaves its batch behind the record that it is processing.
  /// Thread-safe. The executor calls it again and again, so that a slow function delays commits,
  /// neighbours and the end by one record only.
  void interrupt() noexcept { must_leave_.store(true, std::memory_order_relaxed); }
  /// The same for every task, from now on: step() ends soon. Thread-safe.
  void hurry() noexcept {
    is_hurrying_.store(true);
    must_leave_.store(true);
  }
  const std::atomic<bool>& must_leave() const noexcept { return must_leave_; }
  /// Commits what there is: before a graceful stop. Errors are logged; what was not committed is
  /// done again.
  void flush();
  /// When step() was last called, by `clock::monotonic`; thread-safe. The heartbeat behind `/live`.
  std::chrono::nanoseconds last_step() const noexcept {
    return std::chrono::nanoseconds{last_step_.load(std::memory_order_relaxed)};
  }
  worker_status status() const;
  /// Why no commit has made progress for a while: for how long, and the first cause. Empty: it has.
  /// Thread-safe.
  std::string trouble() const;
  /// Only a new process can go on (errc::must_restart). Thread-safe.
  bool must_end() const noexcept { return must_end_.load(std::memory_order_relaxed); }

private:
  /// Of the commit under way.
  enum class phase { none, submitted, waits_for_retry };

  bool step_tasks();
  void begin_slice() noexcept;
  std::size_t uncommitted_bytes() const;
  bool is_full() const { return uncommitted_bytes() >= limit_; }
  bool is_too_large_to_try_again() const;
  bool must_commit(bool has_worked, std::chrono::nanoseconds now) const;
  void commit();
  void submit();
  void look_at_outcome();
  void commit_succeeded();
  void commit_failed(const pubsub::error& e);
  void note_rebalance(const pubsub::error& e);
  void note_abort(const pubsub::error& e);
  void look_at_progress(std::chrono::nanoseconds now);
  void wait_for_outcome(std::chrono::nanoseconds deadline);

  std::string name_;
  open_producer open_;
  const clock* time_;
  worker_options options_;
  logger log_;
  wake_signal waker_;

  std::vector<membership> memberships_;
  std::vector<std::unique_ptr<task>> tasks_;
  pubsub::transaction transaction_;
  std::unique_ptr<pubsub::producer>
      producer_;  // goes first: its thread may still read the tasks' changes
  phase phase_ = phase::none;
  bool has_changes_ = false;
  std::chrono::nanoseconds first_change_{0}, last_commit_{0}, retry_at_{0};
  std::chrono::milliseconds retry_delay_;
  /// Of uncommitted bytes: less after failures, as brokers end a transaction that takes too long.
  std::size_t limit_;
  std::size_t submitted_bytes_ = 0;
  int tries_ = 0;                         ///< of the commit under way
  int rebalances_ = 0;                    ///< in a row
  std::chrono::nanoseconds go_on_at_{0};  ///< behind them

  // Of the commits since the last one that was successful.
  std::optional<std::chrono::nanoseconds> waiting_since_;  ///< none: nothing waits to be committed
  std::string first_error_;
  int quiet_looks_ = 0;  ///< since there was something to commit
  std::chrono::nanoseconds look_at_progress_at_{0};
  mutable std::mutex trouble_mutex_;  ///< guards the next
  std::string trouble_;
  std::atomic<bool> must_end_{false};

  worker_metrics metrics_;
  std::atomic<std::chrono::nanoseconds::rep> last_step_{0};
  std::atomic<bool> must_leave_{false}, is_hurrying_{false};
};

}  // namespace cloudflow::runtime
