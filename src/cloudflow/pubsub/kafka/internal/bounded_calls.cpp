#include "cloudflow/pubsub/kafka/internal/bounded_calls.hpp"

#include <pthread.h>

#include <algorithm>
#include <system_error>
#include <thread>

namespace cloudflow::pubsub::kafka {
namespace {

using std::chrono::milliseconds, std::chrono::steady_clock;

constexpr milliseconds patience_of_all_ends{6000};
/// Everybody gets that much, uncounted: what ends as it should takes less.
constexpr milliseconds usual_at_end{500};
constexpr std::chrono::minutes until_forgotten{1};

}  // namespace

milliseconds call_limits::patience_at_end() const {
  const std::lock_guard lock{mutex_};
  const auto is_over = steady_clock::now() - waited_until_ > until_forgotten;
  return std::max(usual_at_end, patience_of_all_ends - (is_over ? milliseconds{0} : waited_));
}

void call_limits::note_waited_at_end(milliseconds waited) {
  if (waited <= usual_at_end) return;
  const std::lock_guard lock{mutex_};
  const auto now = steady_clock::now();
  if (now - waited_until_ > until_forgotten) waited_ = milliseconds{0};
  waited_ += waited;
  waited_until_ = now;
}

/// Of the caller and the thread.
struct call_thread::shared {
  std::shared_ptr<call_limits> limits;
  std::mutex mutex;  ///< guards the rest
  std::condition_variable_any changed;
  std::shared_ptr<job> next;
  bool has_returned = false, is_abandoned = false, must_end = false;
};

call_thread::~call_thread() {
  if (!shared_) return;
  const std::lock_guard lock{shared_->mutex};
  shared_->must_end = true;
  shared_->changed.notify_all();
}

bool call_thread::start() {
  auto made = std::make_shared<shared>();
  made->limits = limits_;
  try {
    std::thread thread{[made] { serve(made); }};
    pthread_setname_np(thread.native_handle(), name_);
    thread.detach();
  } catch (const std::system_error&) {
    return false;  // the process may have no more threads
  }
  shared_ = std::move(made);
  return true;
}

bool call_thread::wait_for(const std::shared_ptr<job>& what, milliseconds patience,
                           const std::stop_token& stop) {
  if (has_abandoned_) return false;
  if (!shared_ && !start()) {
    what->run();
    return true;
  }
  std::unique_lock lock{shared_->mutex};
  shared_->has_returned = false;
  shared_->next = what;
  shared_->changed.notify_all();
  const auto has_returned = [this] { return shared_->has_returned; };
  if (shared_->changed.wait_for(lock, stop, patience, has_returned)) return true;
  if (stop.stop_requested()) {
    const auto began = steady_clock::now();
    const auto at_end = std::min(patience, limits_->patience_at_end());
    const auto is_well = shared_->changed.wait_for(lock, at_end, has_returned);
    limits_->note_waited_at_end(
        std::chrono::duration_cast<milliseconds>(steady_clock::now() - began));
    if (is_well) return true;
  }
  shared_->is_abandoned = has_abandoned_ = true;
  limits_->abandoned_.fetch_add(1, std::memory_order_relaxed);
  return false;
}

void call_thread::serve(const std::shared_ptr<shared>& with) {
  std::shared_ptr<job> what;
  std::unique_lock lock{with->mutex};
  while (true) {
    with->changed.wait(lock, [&] { return with->next != nullptr || with->must_end; });
    if (!with->next) return;
    what = std::exchange(with->next, nullptr);
    lock.unlock();
    what->run();
    lock.lock();
    if (with->is_abandoned) break;
    what.reset();  // the caller is the last who has it
    with->has_returned = true;
    with->changed.notify_all();
  }
  lock.unlock();
  what.reset();  // with what it owns, a client perhaps
  with->limits->abandoned_.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace cloudflow::pubsub::kafka
