#include "cloudflow/runtime/worker.hpp"

#include <algorithm>

namespace cloudflow::runtime {

namespace {
/// Longest sleep: tasks that wait for the clock (a retry, a restart) are looked at this often.
constexpr std::chrono::milliseconds tick_interval{50};
}  // namespace

void wake_signal::notify() {
  {
    const std::lock_guard lock{mutex_};
    is_set_ = true;
  }
  changed_.notify_one();
}

void wake_signal::wait_for(std::chrono::nanoseconds at_most) {
  std::unique_lock lock{mutex_};
  changed_.wait_for(lock, at_most, [this] { return is_set_; });
  is_set_ = false;
}

worker::worker(std::string name, open_producer open, const clock& time,
               const worker_options& options, logger log)
  : name_(std::move(name)),
    open_(std::move(open)),
    time_(&time),
    options_(options),
    log_(std::move(log)) {}

std::chrono::nanoseconds worker::step() {
  const auto now = time_->monotonic();
  last_step_.store(now.count(), std::memory_order_relaxed);
  if (is_retrying_) {
    if (now < retry_at_) return retry_at_ - now;
    commit();
    return std::chrono::nanoseconds{0};
  }
  const bool has_worked = step_tasks();
  if (has_changes_ && first_change_.count() == 0) first_change_ = now;
  if (must_commit(has_worked, now)) {
    commit();
    return std::chrono::nanoseconds{0};
  }
  if (has_worked) return std::chrono::nanoseconds{0};
  return has_changes_ ? std::chrono::nanoseconds{options_.commit_linger}
                      : std::chrono::nanoseconds{tick_interval};
}

bool worker::step_tasks() {
  const auto now = time_->now();
  bool has_worked = false;
  has_changes_ = false;
  for (auto& t : tasks_) {
    has_worked |= t->step(now) == task::activity::worked;
    has_changes_ |= t->has_changes();
  }
  return has_worked;
}

bool worker::must_commit(bool has_worked, std::chrono::nanoseconds now) const {
  if (!has_changes_) return false;
  if (!has_worked) return now - last_commit_ >= options_.commit_linger;
  if (now - first_change_ >= options_.commit_interval) return true;
  std::size_t bytes = 0;
  for (const auto& t : tasks_) bytes += t->uncommitted_bytes();
  return bytes >= options_.max_uncommitted_bytes;
}

void worker::flush() {
  if (std::any_of(tasks_.begin(), tasks_.end(), [](const auto& t) { return t->has_changes(); }))
    commit();
}

void worker::commit() {
  if (!producer_) {
    auto opened = open_();
    if (!opened) return commit_failed(opened.error());
    producer_ = std::move(opened).value();
  }
  transaction_.clear();
  for (auto& t : tasks_)
    if (t->has_changes()) t->collect(transaction_);
  const auto done = producer_->commit(transaction_);
  if (!done) return commit_failed(done.error());
  is_retrying_ = false;
  for (auto& t : tasks_) t->committed();
  last_commit_ = time_->monotonic();
  first_change_ = std::chrono::nanoseconds{0};
  has_changes_ = false;
}

void worker::commit_failed(const pubsub::error& e) {
  if (e.retriable) {
    if (!is_retrying_) log_.warn("worker {}: cannot commit, will try again: {}", name_, e.message);
    is_retrying_ = true;
    retry_at_ = time_->monotonic() + options_.commit_retry_delay;
    return;
  }
  log_.error("worker {}: the commit failed: {}", name_, e.message);
  is_retrying_ = false;
  producer_.reset();
  for (auto& t : tasks_)
    if (t->has_changes()) t->abandon(e.message);
  first_change_ = std::chrono::nanoseconds{0};
}

}  // namespace cloudflow::runtime
