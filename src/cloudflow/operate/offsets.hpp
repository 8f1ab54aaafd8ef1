#pragma once

#include "cloudflow/base/result.hpp"
#include "cloudflow/operate/inlets.hpp"
#include "cloudflow/operate/offset_spec.hpp"
#include "cloudflow/pubsub/backend.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cloudflow::operate {

/// How far an inlet has come in one partition.
struct inlet_position {
  std::string inlet;  ///< `streamlet.inlet`
  std::string group;
  pubsub::topic_partition source;
  std::optional<record_offset>
      committed;  ///< the first offset that is not processed; none: nothing was committed
  pubsub::partition_range range;  ///< what the log holds

  /// Records that are there and have not been processed.
  std::int64_t lag() const;
  /// The log holds what comes next: false when retention was faster.
  bool is_in_range() const;
};

/// Of the inlets that `path` means (see find_inlets), with their retry topics where anything is in
/// them. Topics that have not been made yet are left out.
result<std::vector<inlet_position>> positions(const pubsub::backend& log,
                                              const blueprint::plan& plan, std::string_view path);

/// Moves the positions of an inlet in one transaction; none moves after an error. `partition`: only
/// there. Returns the positions as they are now.
///
/// Errors: the streamlet runs; it keeps state, which would not fit; a partition that the topic does
/// not have; an offset for several partitions at once.
result<std::vector<inlet_position>> set_positions(pubsub::backend& log, const planned_inlet& inlet,
                                                  const offset_spec& to,
                                                  std::optional<std::int32_t> partition);

/// An error when somebody reads for the group of one of the streamlet's inlets.
result<void> expect_stopped(const pubsub::backend& log, const blueprint::streamlet_plan& streamlet);

/// The range of each partition of a topic. The error says how the topic comes to be.
result<std::vector<pubsub::partition_range>> ranges_of(const pubsub::backend& log,
                                                       const std::string& topic);

/// An error when `where` is an offset and there are several partitions: offsets of different
/// partitions have nothing to do with each other.
result<void> expect_one_partition(const offset_spec& where, const std::string& topic,
                                  std::size_t partitions);

}  // namespace cloudflow::operate
