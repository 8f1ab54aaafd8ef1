#include "cloudflow/runtime/threads.hpp"

#include <pthread.h>

namespace cloudflow::runtime {

worker_threads::worker_threads(const native_runtime& r) : runtime_(&r) {
  for (const auto& w : r.workers()) {
    threads_.emplace_back([&worker = *w](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        const auto pause = worker.step();
        if (pause.count() > 0) worker.waker().wait_for(pause);
      }
      worker.flush();
    });
    pthread_setname_np(threads_.back().native_handle(), "worker");
  }
}

worker_threads::~worker_threads() {
  for (auto& t : threads_) t.request_stop();
  for (const auto& w : runtime_->workers()) w->waker().notify();
}

}  // namespace cloudflow::runtime
