#pragma once

#include "cloudflow/flow/boundary.hpp"
#include "cloudflow/flow/origin.hpp"
#include "cloudflow/flow/source_registry.hpp"
#include "cloudflow/runtime/idleness_monitor.hpp"
#include "cloudflow/runtime/store_view.hpp"
#include "cloudflow/runtime/streamlet_instance.hpp"

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

namespace cloudflow::runtime {

/// Builds and drives the operator chain of a task, and holds what it has done since the last commit
/// began. Whatever the author's code throws passes through. Confined to the task's worker.
class chain_driver {
public:
  struct surroundings {
    const streamlet_instance* streamlet;
    std::int32_t partition;
    const clock* time;
    const std::atomic<bool>* must_leave;
    std::function<void()> wake;
    bool has_source_functions;  ///< sources have no partitions: one task of a streamlet has them
  };
  explicit chain_driver(surroundings s);

  bool is_built() const noexcept { return chain_ != nullptr; }
  /// Makes the chain and loads its state.
  void build();
  /// Drops the chain, and what it has done that no commit has taken.
  void halt();
  /// What was dropped will come again, but for the calls in quarantine: after halt(), as soon as no
  /// commit is under way.
  void rewind();

  // -- steps; @pre it is built ---

  /// It holds work: only resume(), tick() and the commit until it does not.
  bool is_suspended() const noexcept { return is_suspended_; }
  /// Something is due later.
  bool waits_for_clock() const noexcept { return waits_for_clock_; }
  void tick(timestamp now);
  /// Until nothing is held any more, `most_bytes` have come together, or the worker is wanted
  /// elsewhere.
  void resume(std::size_t most_bytes);
  /// How many of the records were processed.
  std::size_t run(const flow::batch& records);
  /// True: a source function has produced something.
  bool poll();
  /// The input has ended.
  void finish();
  /// Tells the chain which inlets are idle, where others may wait for them.
  void mark_idle_inlets(timestamp now, idleness_monitor::sources of_task);

  // -- what it has done ---

  flow::changes& done() noexcept { return changes_; }
  const flow::changes& done() const noexcept { return changes_; }
  /// Moves it to `into`, which is empty: a commit begins. @pre what was saved before is committed.
  void save(flow::changes& into);
  void committed();
  /// Whether that commit has been done is not known. A source function has no position that could
  /// be looked up: what may be stored is not done twice.
  void outcome_unknown();

  // -- what has failed ---

  /// A call that is left out from now on, and its origin rejected.
  void quarantine(const flow::failure& f) { quarantine_.add(f); }
  /// The source functions themselves have failed, and are made anew.
  void forget_sources() noexcept { author_sources_.clear(); }
  /// Whether a topic that refused a record takes larger ones by now.
  bool has_raised_limit();

private:
  void quarantine_suspects();
  void note(flow::step s) noexcept { is_suspended_ |= s == flow::step::suspended; }

  surroundings at_;
  store_view stores_;
  std::vector<std::size_t> outlet_limits_;
  std::vector<idleness_monitor> idleness_;  ///< by inlet; none where nobody waits for others
  flow::quarantine quarantine_;
  flow::source_registry author_sources_;
  flow::changes changes_;
  std::unique_ptr<flow::operator_chain> chain_;  // goes first: it refers to what is above
  bool is_suspended_ = false;
  bool waits_for_clock_ = false;
};

}  // namespace cloudflow::runtime
