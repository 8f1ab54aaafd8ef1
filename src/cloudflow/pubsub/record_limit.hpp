#pragma once

#include "cloudflow/pubsub/topic.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

namespace cloudflow::pubsub {

/// Bytes of key, value and headers that a record of the topic may have. Kafka's `max.message.bytes`
/// is about a batch: a record that is alone in one has the batch's and its own framing around it.
inline std::size_t record_limit_of(const topic_spec& topic) {
  constexpr std::size_t framing = 128;
  const auto found = topic.properties.find("max.message.bytes");
  std::size_t bytes = 0;
  if (found == topic.properties.end() ||
      std::from_chars(found->second.data(), found->second.data() + found->second.size(), bytes)
              .ec != std::errc{})
    return std::numeric_limits<std::size_t>::max();
  return bytes - std::min(bytes, framing);
}

}  // namespace cloudflow::pubsub
