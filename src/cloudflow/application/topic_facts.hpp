/// What the log knows of the topics of a plan, and the plan cannot know: above all of topics that
/// others manage. The result of provision(); a value, like the plan.
#pragma once

#include "cloudflow/base/result.hpp"
#include "cloudflow/pubsub/topic.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cloudflow::app {

struct topic_fact {
  std::string name = {};
  std::int32_t partitions = 0;
  /// Fingerprint (SHA-256, 32 bytes) of what records without schema header were written with;
  /// empty: not known.
  std::string base_schema = {};
  /// It held no record when it was looked at.
  bool is_empty = false;
  /// Bytes of key, value and headers that a record may have; none: the log says no limit.
  std::optional<std::size_t> record_limit = {};

  bool operator==(const topic_fact&) const = default;
};

struct topic_facts {
  std::vector<topic_fact> topics = {};  ///< one for each of `plan::topics`, in their order

  bool operator==(const topic_facts&) const = default;
};

topic_fact fact_of(const pubsub::topic_info& topic);

/// As JSON, indented by two spaces. Base schemas are hexadecimal.
std::string to_json(const topic_facts& facts);
/// Errors: no JSON; a member that is missing or of another type.
result<topic_facts> topic_facts_from_json(std::string_view text);

}  // namespace cloudflow::app
