#include "cloudflow/runtime/worker.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace cloudflow::runtime {

namespace {
/// Longest sleep: tasks that wait for the clock (a retry, a restart) are looked at this often.
constexpr std::chrono::milliseconds tick_interval{50};
constexpr std::chrono::seconds between_looks_at_progress{1};
/// One may fall between the restart of a task and its first record.
constexpr int looks_until_quiet = 5;
/// How often a commit is tried unchanged, before less is tried at once.
constexpr int tries_of_one = 4;
constexpr std::chrono::milliseconds longest_pause_of_rebalances{1000};
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
    log_(std::move(log)),
    retry_delay_(options.commit_retry_delay),
    limit_(options.max_uncommitted_bytes) {}

pubsub::result<void> worker::open() {
  producer_ = CLOUDFLOW_TRY(open_([this] { waker_.notify(); }));
  return {};
}

// -- rounds ---------------------------------------------------------------------------------------

std::chrono::nanoseconds worker::step() {
  const auto now = time_->monotonic();
  last_step_.store(now.count(), std::memory_order_relaxed);
  for (auto& m : memberships_) m.poll_assignments();
  look_at_progress(now);
  if (phase_ == phase::submitted) look_at_outcome();
  // A commit that failed and may succeed later: until then the tasks stand still.
  if (phase_ == phase::waits_for_retry) {
    if (now < retry_at_) return std::min<std::chrono::nanoseconds>(retry_at_ - now, tick_interval);
    submit();
    return std::chrono::nanoseconds{0};
  }
  if (now < go_on_at_) return std::min<std::chrono::nanoseconds>(go_on_at_ - now, tick_interval);
  const bool has_worked = step_tasks();
  if (has_changes_ && first_change_.count() == 0) first_change_ = now;
  if (phase_ == phase::none && must_commit(has_worked, now)) {
    commit();
    return std::chrono::nanoseconds{0};
  }
  if (has_worked) return std::chrono::nanoseconds{0};
  return has_changes_ && phase_ == phase::none ? std::chrono::nanoseconds{options_.commit_linger}
                                               : std::chrono::nanoseconds{tick_interval};
}

/// Each task has a time of its own: what a slow one has used up is not taken from the next.
void worker::begin_slice() noexcept {
  must_leave_.store(false);
  if (is_hurrying_.load()) must_leave_.store(true);
}

bool worker::step_tasks() {
  const auto now = time_->now();
  bool has_worked = false;
  has_changes_ = false;
  const bool may_work = phase_ == phase::none || !is_full();
  for (auto& t : tasks_) {
    begin_slice();
    if (may_work) has_worked |= t->step(now) == task::activity::worked;
    has_changes_ |= t->has_changes();
  }
  return has_worked;
}

std::size_t worker::uncommitted_bytes() const {
  std::size_t bytes = 0;
  for (const auto& t : tasks_) bytes += t->uncommitted_bytes();
  return bytes;
}

bool worker::is_too_large_to_try_again() const {
  return tries_ >= tries_of_one && submitted_bytes_ > options_.tasks.fetch.max_bytes;
}

bool worker::must_commit(bool has_worked, std::chrono::nanoseconds now) const {
  if (!has_changes_) return false;
  if (!has_worked) return now - last_commit_ >= options_.commit_linger;
  if (now - first_change_ >= options_.commit_interval) return true;
  return std::any_of(tasks_.begin(), tasks_.end(), [](const auto& t) { return t->is_urgent(); }) ||
         is_full();
}

// -- commit ---------------------------------------------------------------------------------------

void worker::commit() {
  transaction_.clear();
  submitted_bytes_ = uncommitted_bytes();
  tries_ = 0;
  for (auto& t : tasks_) t->collect(transaction_);
  first_change_ = std::chrono::nanoseconds{0};
  submit();
}

void worker::submit() {
  if (!waiting_since_) waiting_since_ = time_->monotonic();
  if (!producer_) {
    if (auto opened = open(); !opened) return commit_failed(opened.error());
  }
  phase_ = phase::submitted;
  producer_->begin(transaction_);
  look_at_outcome();
}

void worker::look_at_outcome() {
  const auto done = producer_->outcome();
  if (!done) return;
  if (*done)
    commit_succeeded();
  else
    commit_failed(done->error());
}

void worker::commit_succeeded() {
  phase_ = phase::none;
  rebalances_ = 0;
  waiting_since_.reset();
  first_error_.clear();
  retry_delay_ = options_.commit_retry_delay;
  limit_ = std::min(2 * limit_, options_.max_uncommitted_bytes);
  for (auto& t : tasks_) t->committed();
  last_commit_ = time_->monotonic();
  metrics_.commits.fetch_add(1, std::memory_order_relaxed);
}

void worker::commit_failed(const pubsub::error& e) {
  if (e.is_fatal()) producer_.reset();
  if (e.code == pubsub::errc::must_restart) must_end_.store(true, std::memory_order_relaxed);
  if (first_error_.empty()) first_error_ = e.message;
  ++tries_;
  if (e.is_retriable() && !is_too_large_to_try_again()) {
    if (tries_ == 1) log_.warn("worker {}: cannot commit, will try again: {}", name_, e.message);
    metrics_.retries.fetch_add(1, std::memory_order_relaxed);
    phase_ = phase::waits_for_retry;
    retry_at_ = time_->monotonic() + retry_delay_;
    retry_delay_ = std::min(2 * retry_delay_, options_.longest_commit_retry_delay);
    return;
  }
  metrics_.aborts.fetch_add(1, std::memory_order_relaxed);
  phase_ = phase::none;
  if (e.code == pubsub::errc::rebalanced)
    note_rebalance(e);
  else
    note_abort(e);
  for (auto& t : tasks_) t->abandon(e);
}

/// Brokers may refuse again and again, until they and the members agree on who is who.
void worker::note_rebalance(const pubsub::error& e) {
  if (rebalances_++ == 0)
    log_.info("worker {}: partitions have moved, goes on from the last commit: {}", name_,
              e.message);
  else
    go_on_at_ = time_->monotonic() + std::min((rebalances_ - 1) * options_.commit_retry_delay / 4,
                                              longest_pause_of_rebalances);
}

void worker::note_abort(const pubsub::error& e) {
  limit_ = std::min(limit_, submitted_bytes_) / 2 + 1;
  log_.error("worker {}: the commit failed: {}", name_, e.message);
}

// -- stop -----------------------------------------------------------------------------------------

void worker::wait_for_outcome(std::chrono::nanoseconds deadline) {
  while (phase_ == phase::submitted && time_->monotonic() < deadline) {
    look_at_outcome();
    if (phase_ == phase::submitted) waker_.wait_for(tick_interval);
  }
}

void worker::flush() {
  const auto deadline = time_->monotonic() + options_.flush_patience;
  wait_for_outcome(deadline);
  if (phase_ != phase::none) {
    log_.warn("worker {}: stops without its last commit; what it held is processed again", name_);
    return;
  }
  const auto has_changes = [](const auto& t) { return t->has_changes(); };
  if (std::none_of(tasks_.begin(), tasks_.end(), has_changes)) return;
  commit();
  wait_for_outcome(deadline);
}

// -- status ---------------------------------------------------------------------------------------

void worker::look_at_progress(std::chrono::nanoseconds now) {
  if (now < look_at_progress_at_) return;
  look_at_progress_at_ = now + between_looks_at_progress;
  // What was to be committed may have gone with its partition.
  const auto is_running = [](const auto& t) { return t->is_running(); };
  const auto is_quiet = phase_ == phase::none && !has_changes_ &&
                        std::all_of(tasks_.begin(), tasks_.end(), is_running);
  quiet_looks_ = is_quiet ? quiet_looks_ + 1 : 0;
  if (quiet_looks_ >= looks_until_quiet) {
    waiting_since_.reset();
    first_error_.clear();
  }
  std::string found;
  if (waiting_since_ && now - *waiting_since_ > options_.progress_patience) {
    const auto cause = !first_error_.empty() || !producer_ ? first_error_ : producer_->trouble();
    const auto since =
        std::chrono::duration_cast<std::chrono::seconds>(now - *waiting_since_).count();
    found = fmt::format("worker {}: no commit for {} s{}{}", name_, since,
                        cause.empty() ? "" : ": ", cause);
  }
  const std::lock_guard lock{trouble_mutex_};
  trouble_ = std::move(found);
}

std::string worker::trouble() const {
  const std::lock_guard lock{trouble_mutex_};
  return trouble_;
}

worker_status worker::status() const {
  return {.name = name_,
          .commits = metrics_.commits.load(std::memory_order_relaxed),
          .retries = metrics_.retries.load(std::memory_order_relaxed),
          .aborts = metrics_.aborts.load(std::memory_order_relaxed)};
}

}  // namespace cloudflow::runtime
