#pragma once

#include "cloudflow/base/bytes.hpp"
#include "cloudflow/pubsub/topic.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cloudflow::pubsub::embedded {

/// A topic as the `meta` column family holds it under its name.
struct recorded_topic {
  std::uint32_t id = 0;
  topic_spec spec;
};

std::string encode_topic(const recorded_topic& topic);
/// None when these are not the bytes of a topic.
std::optional<recorded_topic> decode_topic(std::string_view name, std::string_view bytes);

/// Why this cannot be a topic: Kafka's rule for names, or the number of partitions.
std::optional<std::string> problem_of(const topic_spec& topic);
/// What differs between a topic and what is wanted, apart from properties; empty when it can be
/// used.
std::string difference(const topic_spec& existing, const topic_spec& wanted);

}  // namespace cloudflow::pubsub::embedded
