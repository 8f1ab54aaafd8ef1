#pragma once

#include "cloudflow/operate/replay.hpp"
#include "cloudflow/runner/bounded_log.hpp"
#include "cloudflow/runtime/runtime.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace cloudflow::runner {

/// A streamlet that reads a range of its topics once more, under another name (see shadow_of), and
/// then ends. Run again under the same name it goes on where it was.
///
/// Step the workers of runtime(), and call its advance_to_end() until it is true. Everything that
/// is given to it outlives it.
class shadow_run {
public:
  /// `shadow`: a plan of shadow_of(); `parts`: of its streamlet.
  static result<std::unique_ptr<shadow_run>> create(const blueprint::plan& shadow,
                                                    const std::vector<operate::replay_part>& parts,
                                                    const runtime::dependencies& around,
                                                    runtime::runtime_options options);

  runtime::native_runtime& runtime() noexcept { return *runtime_; }
  /// How many records of the range have been read and committed, and how many there are.
  std::int64_t records_done() const;
  std::int64_t records() const;
  /// What has come of them since this was made: records written to outlets, and records that were
  /// refused by the streamlet or cannot be read: dead letters, or skipped.
  std::uint64_t written() const;
  std::uint64_t refused() const;

private:
  shadow_run(pubsub::backend& log, std::vector<operate::replay_part> parts);

  std::vector<operate::replay_part> parts_;
  bounded_log log_;
  std::unique_ptr<runtime::native_runtime> runtime_;
};

}  // namespace cloudflow::runner
