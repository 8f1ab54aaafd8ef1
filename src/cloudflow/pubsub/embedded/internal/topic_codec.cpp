#include "cloudflow/pubsub/embedded/internal/topic_codec.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace cloudflow::pubsub::embedded {
namespace {

constexpr std::size_t max_name = 249;
// Each costs some memory here and a file or more on Kafka; more is a slip of the keyboard.
constexpr std::int32_t max_partitions = 10'000;

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return text;
}

}  // namespace

std::string encode_topic(const recorded_topic& topic) {
  byte_writer out;
  out.put_long(topic.id);
  out.put_long(topic.spec.partitions);
  out.put_text(topic.spec.base_schema);
  out.put_long(static_cast<std::int64_t>(topic.spec.properties.size()));
  for (const auto& [name, value] : topic.spec.properties) {
    out.put_text(name);
    out.put_text(value);
  }
  return std::string{out.view()};
}

std::optional<recorded_topic> decode_topic(std::string_view name, std::string_view bytes) {
  byte_reader in{bytes};
  recorded_topic topic;
  topic.spec.name = name;
  topic.id = static_cast<std::uint32_t>(in.get_long());
  topic.spec.partitions = static_cast<std::int32_t>(in.get_long());
  topic.spec.base_schema = in.get_text();
  for (auto left = in.get_long(); left > 0 && in.ok(); --left) {
    const auto key = in.get_text();
    topic.spec.properties.emplace(key, in.get_text());
  }
  if (!in.complete() || problem_of(topic.spec)) return {};
  return topic;
}

std::optional<std::string> problem_of(const topic_spec& topic) {
  const auto& name = topic.name;
  if (name.empty() || name.size() > max_name || name == "." || name == ".." ||
      !std::all_of(name.begin(), name.end(), is_name_character))
    return fmt::format(
        "\"{}\" is not a name for a topic: 1 to {} of the characters a-z, A-Z, 0-9, '.', '_' and "
        "'-', but not \".\" or \"..\".",
        name, max_name);
  if (topic.partitions < 1 || topic.partitions > max_partitions)
    return fmt::format("Topic {}: {} partitions; expected 1 to {}.", name, topic.partitions,
                       max_partitions);
  return {};
}

std::string difference(const topic_spec& existing, const topic_spec& wanted) {
  std::string text;
  if (existing.partitions != wanted.partitions)
    text += fmt::format(" It has {} partitions; {} are wanted.", existing.partitions,
                        wanted.partitions);
  if (!existing.base_schema.empty() && !wanted.base_schema.empty() &&
      existing.base_schema != wanted.base_schema)
    text += fmt::format(" Its base schema is {}; {} is wanted.", hex(existing.base_schema),
                        hex(wanted.base_schema));
  return text;
}

}  // namespace cloudflow::pubsub::embedded
