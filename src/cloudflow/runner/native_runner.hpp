#pragma once

#include "cloudflow/application/provision.hpp"
#include "cloudflow/runtime/runtime.hpp"
#include "cloudflow/runtime/threads.hpp"
#include "cloudflow/streamlet/streamlet_runner.hpp"

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace cloudflow::runner {

/// The native runtime on threads of this process.
class native_runner final : public streamlet_runner {
public:
  /// `plan` and what `around` refers to outlive it.
  native_runner(const blueprint::plan& plan, runtime::dependencies around,
                runtime::runtime_options options, app::provision_mode mode);
  ~native_runner() override;

  /// Provisions, opens the stores, joins the groups, starts the threads. Errors: those of
  /// app::provision and native_runtime::create.
  result<void> start() override;
  runner_status status() const override;
  std::string why_not_ready() const override;
  std::string why_not_live() const override;
  bool must_end() const override;
  bool advance_to_end() override { return runtime_->advance_to_end(); }
  void stop() override;

private:
  result<void> try_start();
  bool is_started() const { return is_started_.load(std::memory_order_acquire); }

  const blueprint::plan* plan_;
  runtime::dependencies around_;
  runtime::runtime_options options_;
  app::provision_mode mode_;
  std::unique_ptr<runtime::native_runtime> runtime_;
  mutable std::mutex mutex_;  // guards why_not_started_
  std::string why_not_started_;
  std::atomic<bool> is_started_{false};  // whoever reads true may use runtime_
  std::optional<runtime::worker_threads> threads_;
};

/// So many workers for a plan where the user has not said how many: one for each core, at most 4.
std::size_t usual_workers();

}  // namespace cloudflow::runner
