/// A whole application in simulated time, on a simulated disk, with simulated threads: the same
/// code as in a real run, on one thread, in an order that a seed decides.
#pragma once

#include "cloudflow/base/log.hpp"
#include "cloudflow/base/result.hpp"
#include "cloudflow/blueprint/plan.hpp"
#include "cloudflow/pubsub/backend.hpp"
#include "cloudflow/runtime/worker.hpp"
#include "cloudflow/streamlet/definition.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace cloudflow::testkit {

struct simulation_options {
  std::uint64_t seed = 1;
  std::size_t workers = 3;
  /// Mean number of steps between two losses of power; 0: none.
  std::uint64_t steps_between_crashes = 0;
  /// Behind so many steps the power fails no more; 0: it goes on failing to the end.
  std::uint64_t steps_with_crashes = 0;
  logger log{make_null_sink(), "simulation"};
  runtime::worker_options worker{};
  /// Called behind each step of run_to_end(); it may look at log().
  std::function<void()> after_step = [] {};
};

/// Runs a plan. Which worker does its next round, how far the clock moves before it, and when the
/// power fails in the middle of which write to the disk: all of it follows from the seed, so that a
/// failure can be repeated. The database's own threads write when they come to it, though, and may
/// have a loss of power strike one change sooner or later.
///
/// What lies outside of the log (files that a streamlet reads or writes) is real. Confined to one
/// thread.
class simulation {
public:
  using find_definition = std::function<const streamlet_definition*(const std::string& class_name)>;

  /// `plan` outlives the simulation.
  simulation(const blueprint::plan& plan, find_definition definition_of,
             const simulation_options& options);
  ~simulation();
  simulation(const simulation&) = delete;
  simulation& operator=(const simulation&) = delete;

  /// The log, for putting records in and for looking at the results. Valid until the next step.
  /// Throws std::runtime_error when it cannot be opened.
  pubsub::backend& log();
  /// Steps until all input is consumed and committed and all windows have fired, or `at_most` steps
  /// are done. Errors: the application cannot start, or it does not come to an end.
  result<void> run_to_end(std::uint64_t at_most);

  /// What the tasks of the process that runs have done.
  std::vector<app::task_status> status() const;
  std::uint64_t crashes() const noexcept;
  std::uint64_t steps() const noexcept;

private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace cloudflow::testkit
