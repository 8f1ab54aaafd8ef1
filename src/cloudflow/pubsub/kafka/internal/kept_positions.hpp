#pragma once

#include "cloudflow/pubsub/error.hpp"
#include "cloudflow/pubsub/topic.hpp"

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace cloudflow::pubsub::kafka {

/// A position that is kept beside the group's.
struct kept_position {
  record_offset next;
  /// errc::offset_out_of_range: it is of a topic of this name that is there no longer.
  std::optional<pubsub::error> problem;
};

/// Positions that are kept beside those of groups, which expire. Thread-safe; blocks.
class kept_positions {
public:
  virtual ~kept_positions() = default;
  /// A member of the group is about to read these: whatever position it commits is one of the
  /// topics that are there at this moment.
  virtual result<void> begin(const std::string& group,
                             const std::vector<topic_partition>& sources) = 0;
  /// For a group that has none of its own; none: there is none here either.
  virtual result<std::optional<kept_position>> last_known(const std::string& group,
                                                          const topic_partition& source,
                                                          const std::stop_token& stop) = 0;
};

}  // namespace cloudflow::pubsub::kafka
