/// A whole application in several processes at once, in simulated time, on a simulated log that
/// they share: the same code as in a real run, on one thread, in an order that a seed decides.
#pragma once

#include "cloudflow/base/log.hpp"
#include "cloudflow/base/result.hpp"
#include "cloudflow/blueprint/plan.hpp"
#include "cloudflow/pubsub/simulated/cluster.hpp"
#include "cloudflow/runtime/runtime.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace cloudflow::testkit {

struct group_options {
  std::uint64_t seed = 1;
  std::size_t processes = 3;
  std::size_t workers = 2;  ///< of each
  /// Of the log, until settle().
  pubsub::simulated::fault_profile fault_profile{};
  /// Mean number of steps between two events in the life of a process; 0: they just run. One is
  /// started, is stopped, is killed, stands still for a while, or is replaced while it stands still
  /// and goes on beside its successor.
  std::uint64_t steps_between_events = 0;
  logger log{make_null_sink(), "simulation"};
  /// None: sizes and delays are drawn for each process.
  std::optional<runtime::worker_options> worker{};
  /// Called behind each step; it may look at log().
  std::function<void()> after_step = [] {};
};

/// Runs a plan in several processes. Which worker of which process does its next round, how far the
/// clock moves before it, what happens to a process, and what goes wrong at the log: all of it
/// follows from the seed.
///
/// Confined to one thread.
class group_simulation {
public:
  using find_definition = std::function<const streamlet_definition*(const std::string& class_name)>;

  /// `plan` outlives the simulation.
  group_simulation(const blueprint::plan& plan, find_definition definition_of,
                   const group_options& options);
  ~group_simulation();
  group_simulation(const group_simulation&) = delete;
  group_simulation& operator=(const group_simulation&) = delete;

  pubsub::simulated::cluster& brokers();
  /// A session of the test's own, for putting records in and for looking at the results.
  pubsub::backend& log();
  virtual_clock& time();

  /// One round of one worker, and perhaps an event in the life of a process.
  void step();
  /// From now on nothing goes wrong: steps until all input is consumed and committed, or `at_most`
  /// steps are done. Errors: a process does not start; it is not done; a process is not ready, or
  /// does not say that it is done.
  result<void> settle(std::uint64_t at_most);
  /// Stops all processes but one, which goes on to the end of the input: all windows fire.
  result<void> run_to_end(std::uint64_t at_most);

  /// The processes that are alive.
  std::vector<const runtime::native_runtime*> runtimes() const;
  std::uint64_t steps() const noexcept;
  std::uint64_t events() const noexcept;
  /// Of the events: processes that were killed and left a transaction open, until its time is over.
  std::uint64_t crashes_in_transactions() const noexcept;

private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace cloudflow::testkit
