#include "cloudflow/application/topic_facts.hpp"

#include "cloudflow/pubsub/record_limit.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <limits>
#include <utility>

namespace cloudflow::app {
namespace {

using json = nlohmann::ordered_json;

std::string to_hex(std::string_view bytes) {
  std::string hex;
  for (const char c : bytes) hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return hex;
}

std::optional<std::string> from_hex(std::string_view hex) {
  const auto digit = [](char c) -> int {
    if (c >= '0' && c <= '9') return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
  };
  if (hex.size() % 2 != 0) return {};
  std::string bytes;
  for (std::size_t i = 0; i != hex.size(); i += 2) {
    const int high = digit(hex[i]), low = digit(hex[i + 1]);
    if (high < 0 || low < 0) return {};
    bytes += static_cast<char>(high * 16 + low);
  }
  return bytes;
}

std::optional<topic_fact> read_fact(const json& in) {
  topic_fact out;
  if (!in.is_object()) return {};
  const auto name = in.find("name"), partitions = in.find("partitions"),
             schema = in.find("base-schema"), is_empty = in.find("is-empty"),
             limit = in.find("record-limit");
  if (name == in.end() || !name->is_string()) return {};
  out.name = name->get<std::string>();
  if (partitions == in.end() || !partitions->is_number_integer() ||
      !std::in_range<std::int32_t>(partitions->get<std::int64_t>()))
    return {};
  out.partitions = partitions->get<std::int32_t>();
  if (schema != in.end()) {
    auto bytes = schema->is_string() ? from_hex(schema->get<std::string>()) : std::nullopt;
    if (!bytes) return {};
    out.base_schema = *std::move(bytes);
  }
  if (is_empty != in.end()) {
    if (!is_empty->is_boolean()) return {};
    out.is_empty = is_empty->get<bool>();
  }
  if (limit != in.end()) {
    if (!limit->is_number_unsigned()) return {};
    out.record_limit = limit->get<std::size_t>();
  }
  return out;
}

}  // namespace

topic_fact fact_of(const pubsub::topic_info& topic) {
  topic_fact fact{.name = topic.spec.name,
                  .partitions = static_cast<std::int32_t>(topic.partitions.size()),
                  .base_schema = topic.spec.base_schema,
                  .is_empty = std::ranges::all_of(topic.partitions,
                                                  [](const auto& p) { return p.first == p.end; })};
  const auto limit = pubsub::record_limit_of(topic.spec);
  if (limit != std::numeric_limits<std::size_t>::max()) fact.record_limit = limit;
  return fact;
}

std::string to_json(const topic_facts& facts) {
  auto topics = json::array();
  for (const auto& t : facts.topics) {
    json out{{"name", t.name}, {"partitions", t.partitions}};
    if (!t.base_schema.empty()) out["base-schema"] = to_hex(t.base_schema);
    if (t.is_empty) out["is-empty"] = true;
    if (t.record_limit) out["record-limit"] = *t.record_limit;
    topics.push_back(std::move(out));
  }
  return json{{"topics", std::move(topics)}}.dump(2);
}

result<topic_facts> topic_facts_from_json(std::string_view text) {
  const auto parsed = json::parse(text, nullptr, false);
  if (parsed.is_discarded()) return error{"The facts of topics are no JSON."};
  const auto topics = parsed.find("topics");
  if (!parsed.is_object() || topics == parsed.end() || !topics->is_array())
    return error{"The facts of topics are an object with an array `topics`."};
  topic_facts facts;
  for (std::size_t i = 0; i != topics->size(); ++i) {
    auto fact = read_fact((*topics)[i]);
    if (!fact)
      return error{
          fmt::format("topics[{}] is no object with name, partitions and, where they are "
                      "known, base-schema and record-limit.",
                      i)};
    facts.topics.push_back(*std::move(fact));
  }
  return facts;
}

}  // namespace cloudflow::app
