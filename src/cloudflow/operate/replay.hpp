#pragma once

#include "cloudflow/base/result.hpp"
#include "cloudflow/operate/inlets.hpp"
#include "cloudflow/operate/offset_spec.hpp"
#include "cloudflow/pubsub/backend.hpp"

#include <cstdint>
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

/// The parts of all inlets of a streamlet from one place to another. Errors: a topic that is not
/// there yet; an offset for several partitions; a range that ends before it begins.
result<std::vector<replay_part>> parts_of(const pubsub::backend& log, const blueprint::plan& plan,
                                          const blueprint::streamlet_plan& streamlet,
                                          const offset_spec& from, const offset_spec& to);

/// Forgets the state of a streamlet and moves its positions to where the parts begin. Not atomic
/// when there is much state: begun, it has to be run to its end, and can be run again. Errors: the
/// streamlet runs; what the log says.
result<void> reset_state(pubsub::backend& log, const blueprint::plan& plan,
                         const blueprint::streamlet_plan& streamlet,
                         const std::vector<replay_part>& parts);

}  // namespace cloudflow::operate
