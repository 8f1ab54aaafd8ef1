#include "cloudflow/runtime/threads.hpp"

#include "cloudflow/base/named_thread.hpp"
#include "cloudflow/runtime/crash_note.hpp"

#include <pthread.h>

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace cloudflow::runtime {

namespace {
/// How long a worker may be in one batch before it looks at its commit and its other tasks again.
constexpr std::chrono::milliseconds time_slice{20};
constexpr const char* hanging = "a call that had not returned after 30 s";

/// Counts time slices in which a worker has not come round: a process that is stopped, or a machine
/// that sleeps, counts none.
class watchdog {
public:
  /// True when it has to be ended.
  bool bites(const worker& w) {
    if (const auto step = w.last_step(); step != last_step_) {
      last_step_ = step;
      slices_ = 0;
    }
    return ++slices_ == comes_round_within / time_slice;
  }

private:
  std::chrono::nanoseconds last_step_{0};
  int slices_ = 0;
};
}  // namespace

worker_threads::worker_threads(const native_runtime& r) : runtime_(&r) {
  for (const auto& w : r.workers()) {
    threads_.push_back(named_thread(w->name(), [&worker = *w](const std::stop_token& stop) {
      crash_note::protect_this_thread();
      while (!stop.stop_requested()) {
        const auto pause = worker.step();
        if (pause.count() > 0) worker.waker().wait_for(pause);
      }
      worker.flush();
    }));
  }
  timer_ = named_thread("time slices", [this](const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any changed;
    std::unique_lock lock{mutex};
    const auto& workers = runtime_->workers();
    std::vector<watchdog> watchdogs(workers.size());
    while (!changed.wait_for(lock, stop, time_slice, [&stop] { return stop.stop_requested(); })) {
      for (std::size_t i = 0; i != workers.size(); ++i) {
        workers[i]->interrupt();
        if (watchdogs[i].bites(*workers[i]))
          crash_note::abort(threads_[i].native_handle(), hanging);
      }
    }
  });
}

worker_threads::~worker_threads() {
  for (auto& t : threads_) t.request_stop();
  for (const auto& w : runtime_->workers()) w->hurry();
  for (const auto& w : runtime_->workers()) w->waker().notify();
}

}  // namespace cloudflow::runtime
