#pragma once

#include "cloudflow/base/time.hpp"
#include "cloudflow/runtime/source.hpp"
#include "cloudflow/runtime/streamlet_instance.hpp"

#include <cstddef>
#include <span>

namespace cloudflow::runtime {

/// Decides what a task processes next of a source: takes a batch in the inlet's schema, rejects
/// what has ended the process before, and says how many records may run together. Confined to the
/// task's worker.
class source_reader {
public:
  /// `streamlet` outlives it.
  source_reader(const streamlet_instance& streamlet, pubsub::fetch_limits limits)
    : streamlet_(&streamlet), limits_(limits) {}

  /// Takes the next batch, if nothing is left of the last one. False: there is nothing. Throws
  /// where the log cannot read.
  bool fill(source& s, timestamp now) const;
  /// The first of `records`, which are what is left before a bad one: as many as run at once. One
  /// by one where any of them may be to blame for what the process cannot bear.
  std::span<const record_view> run_at_once(const source& s, std::span<const record_view> records);

  /// From now on so many records are run and committed one by one: the process was short of memory,
  /// and it is to be seen whether one of them takes it alone.
  void run_alone() noexcept { alone_ = records_run_alone; }
  bool runs_alone() const noexcept { return alone_ != 0; }

private:
  static constexpr std::size_t records_run_alone = 1024;
  void reject_suspects(source& s) const;

  const streamlet_instance* streamlet_;
  pubsub::fetch_limits limits_;
  std::size_t alone_ = 0;
};

}  // namespace cloudflow::runtime
