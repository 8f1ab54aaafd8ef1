#pragma once

#include "cloudflow/blueprint/parse.hpp"

#include <string>
#include <vector>

namespace cloudflow::blueprint::internal {

/// What may stand in a topic, in a blueprint and in a configuration.
const std::vector<std::string>& topic_keys();

/// Reads one topic; appends what is wrong with its shape. Lists that are no lists are read as what
/// they were meant to be, so that no later problem follows from that; ports where nothing can be
/// read go to `ineffective_paths`.
/// @pre `topic.content.is_object()`
topic_ref parse_topic(const config::member& topic, std::vector<problem>& problems,
                      std::vector<std::string>& ineffective_paths);

}  // namespace cloudflow::blueprint::internal
