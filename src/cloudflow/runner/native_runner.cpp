#include "cloudflow/runner/native_runner.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <thread>

namespace cloudflow::runner {

std::size_t usual_workers() {
  constexpr unsigned most = 4;
  return std::clamp(std::thread::hardware_concurrency(), 1u, most);
}

native_runner::native_runner(const blueprint::plan& plan, runtime::dependencies around,
                             runtime::runtime_options options, app::provision_mode mode)
  : plan_(&plan), around_(std::move(around)), options_(std::move(options)), mode_(mode) {}

native_runner::~native_runner() { stop(); }

result<void> native_runner::start() {
  auto started = try_start();
  if (started) return started;
  const std::lock_guard lock{mutex_};
  why_not_started_ = started.error().message;
  return started;
}

result<void> native_runner::try_start() {
  auto facts = CLOUDFLOW_TRY(app::provision(*plan_, *around_.log, mode_));
  runtime_ =
      CLOUDFLOW_TRY(runtime::native_runtime::create(*plan_, std::move(facts), around_, options_));
  is_started_.store(true, std::memory_order_release);
  threads_.emplace(*runtime_);
  return {};
}

runner_status native_runner::status() const {
  if (!is_started()) return {};
  return {.tasks = runtime_->status(), .workers = runtime_->worker_statuses()};
}

std::string native_runner::why_not_ready() const {
  if (is_started()) return runtime_->why_not_ready();
  const std::lock_guard lock{mutex_};
  return why_not_started_.empty() ? "not started yet" : "not started yet: " + why_not_started_;
}

bool native_runner::must_end() const { return is_started() && runtime_->must_end(); }

std::string native_runner::why_not_live() const {
  if (!is_started()) return {};
  std::vector<std::string> stalled;
  const auto now = around_.time->monotonic();
  for (const auto* w : runtime_->workers())
    if (now - w->last_step() >= runtime::comes_round_within) stalled.push_back(w->name());
  if (stalled.empty()) return {};
  return fmt::format("stalled for {} s: worker {}", runtime::comes_round_within.count(),
                     fmt::join(stalled, ", worker "));
}

void native_runner::stop() { threads_.reset(); }

}  // namespace cloudflow::runner
