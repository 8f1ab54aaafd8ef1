#include "cloudflow/pubsub/embedded/internal/topics.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <limits>

namespace cloudflow::pubsub::embedded {
namespace {

// Defaults of a Kafka broker.
constexpr std::int64_t default_retention_ms = 7 * 24 * 3600 * std::int64_t{1000};
constexpr std::int64_t default_max_message_bytes = 1024 * 1024 + 12;

error bad_value(const topic_spec& topic, std::string_view name, std::string_view value,
                std::string_view expected) {
  return {errc::unsupported, fmt::format("Topic {}: {} = \"{}\" is not understood; expected {}.",
                                         topic.name, name, value, expected)};
}

/// -1 stands for "no limit".
result<std::int64_t> number_of(const topic_spec& topic, const std::string& name,
                               std::int64_t otherwise) {
  const auto found = topic.properties.find(name);
  if (found == topic.properties.end()) return otherwise;
  const auto& text = found->second;
  std::int64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size() || number < -1)
    return bad_value(topic, name, text, "a number, or -1 for no limit");
  return number;
}

enum class cleanup { remove, compact, both };

result<cleanup> cleanup_of(const topic_spec& topic) {
  const auto found = topic.properties.find("cleanup.policy");
  if (found == topic.properties.end() || found->second == "delete") return cleanup::remove;
  if (found->second == "compact") return cleanup::compact;
  if (found->second == "compact,delete" || found->second == "delete,compact") return cleanup::both;
  return bad_value(topic, found->first, found->second, "delete, compact, or compact,delete");
}

bool is_honoured(std::string_view property) {
  constexpr std::array names{"retention.ms", "retention.bytes", "max.message.bytes",
                             "cleanup.policy"};
  return std::find(names.begin(), names.end(), property) != names.end();
}

}  // namespace

result<topic_rules> rules_of(const topic_spec& topic) {
  const auto time = CLOUDFLOW_TRY(number_of(topic, "retention.ms", default_retention_ms));
  const auto bytes = CLOUDFLOW_TRY(number_of(topic, "retention.bytes", -1));
  const auto record =
      CLOUDFLOW_TRY(number_of(topic, "max.message.bytes", default_max_message_bytes));
  const auto policy = CLOUDFLOW_TRY(cleanup_of(topic));

  topic_rules rules;
  rules.max_record =
      record < 0 ? std::numeric_limits<std::size_t>::max() : static_cast<std::size_t>(record);
  // A compacted topic is never deleted by age or size: all of its keys must stay.
  if (policy == cleanup::compact) return rules;
  if (time >= 0) rules.retention_time = std::chrono::milliseconds{time};
  if (bytes >= 0) rules.retention_bytes = static_cast<std::uint64_t>(bytes);
  return rules;
}

std::vector<std::string> limitations(const topic_spec& topic) {
  std::vector<std::string> found;
  for (const auto& [name, value] : topic.properties) {
    if (name == "cleanup.policy" && value.find("compact") != std::string::npos)
      found.push_back(
          fmt::format("Topic {}: cleanup.policy = {}: the embedded log does not compact; older "
                      "records of a key are kept as well.",
                      topic.name, value));
    if (!is_honoured(name))
      found.push_back(fmt::format("Topic {}: {} = {} has no effect on the embedded log.",
                                  topic.name, name, value));
  }
  return found;
}

}  // namespace cloudflow::pubsub::embedded
