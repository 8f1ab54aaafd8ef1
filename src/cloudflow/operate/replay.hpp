#pragma once

#include "cloudflow/base/result.hpp"
#include "cloudflow/operate/bounded_log.hpp"
#include "cloudflow/operate/inlets.hpp"
#include "cloudflow/operate/place.hpp"
#include "cloudflow/runtime/runtime.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace cloudflow::operate {

/// What is replayed of one partition.
struct replay_part {
  pubsub::topic_partition source;
  std::string group;  ///< of the inlet
  record_offset from, to;

  std::int64_t records() const { return to - from; }
};

/// The parts of all inlets of a streamlet from one place to another. Errors: a topic that is not there yet; an offset
/// for several partitions; a range that ends before it begins.
result<std::vector<replay_part>> parts_of(const pubsub::backend& log, const blueprint::plan& plan,
                                          const blueprint::streamlet_plan& streamlet,
                                          const place& from, const place& to);

// -- with its own state, from the beginning ----------------------------------------------------------

/// Forgets the state of a streamlet and moves its positions to where the parts begin. Not atomic when there is much
/// state: begun, it has to be run to its end, and can be run again. Errors: the streamlet runs; what the log says.
result<void> reset_state(pubsub::backend& log, const blueprint::plan& plan,
                         const blueprint::streamlet_plan& streamlet,
                         const std::vector<replay_part>& parts);

// -- beside the original -----------------------------------------------------------------------------

/// A streamlet that reads a range of its topics once more, under another name (see shadow_of), and then ends. Run
/// again under the same name it goes on where it was.
///
/// Step the workers of runtime(), and call its advance_to_end() until it is true. Everything that is given to it
/// outlives it.
class shadow_run {
public:
  /// `shadow`: a plan of shadow_of(); `parts`: of its streamlet.
  static result<std::unique_ptr<shadow_run>> create(const blueprint::plan& shadow,
                                                    const std::vector<replay_part>& parts,
                                                    const runtime::surroundings& around,
                                                    runtime::runtime_options options);

  runtime::native_runtime& runtime() noexcept { return *runtime_; }
  /// How many records of the range have been read and committed, and how many there are.
  std::int64_t records_done() const;
  std::int64_t records() const;

private:
  shadow_run(pubsub::backend& log, std::vector<replay_part> parts);

  std::vector<replay_part> parts_;
  bounded_log log_;
  std::unique_ptr<runtime::native_runtime> runtime_;
};

}  // namespace cloudflow::operate
