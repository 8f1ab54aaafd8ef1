#include "cloudflow/pubsub/kafka/internal/topics.hpp"

#include "cloudflow/pubsub/kafka/internal/connection.hpp"
#include "cloudflow/pubsub/kafka/internal/deadline.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace cloudflow::pubsub::kafka {

namespace {

constexpr std::string_view topic_kind = "topic/";
constexpr std::size_t longest_name = 249;
constexpr std::chrono::milliseconds growth_patience{10'000};

std::string key_of(std::string_view topic) { return std::string{topic_kind} + std::string{topic}; }

bool is_valid(std::string_view name) {
  constexpr std::string_view allowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  return !name.empty() && name.size() <= longest_name && name != "." && name != ".." &&
         name.find_first_not_of(allowed) == std::string_view::npos;
}

result<void> check(const topic_spec& wanted) {
  if (!is_valid(wanted.name))
    return error{
        errc::unsupported,
        fmt::format("\"{}\" is no name for a topic; expected 1 to {} of a-z, A-Z, 0-9, '.', "
                    "'_' and '-', not \".\" or \"..\"",
                    wanted.name, longest_name)};
  if (wanted.partitions < 1)
    return error{errc::unsupported,
                 fmt::format("topic \"{}\": expected 1 partition or more, found {}", wanted.name,
                             wanted.partitions)};
  return {};
}

/// Limits that a producer has to know are told even where they are the cluster's.
bool is_told(const std::string& name, const topic_property& property) {
  return property.is_of_topic || name == "max.message.bytes";
}

}  // namespace

// -- making ---------------------------------------------------------------------------------------

result<topic_info> topics::ensure(const topic_spec& wanted) {
  CLOUDFLOW_TRY(check(wanted));
  auto found = requests_.describe(wanted.name);
  if (!found && found.error().code != errc::topic_not_found) return std::move(found).error();
  if (!found) {
    // A record is kept for as long as it is in the topic, whatever time its producer says.
    auto made = wanted;
    made.properties.try_emplace("message.timestamp.type", "LogAppendTime");
    CLOUDFLOW_TRY(requests_.create(made));
    found = requests_.describe(wanted.name);
    if (!found) return std::move(found).error();
  }
  if (wanted.may_grow && found->partitions < wanted.partitions) {
    auto grown = CLOUDFLOW_TRY(grow(wanted, found->partitions));
    found->partitions = grown;
  }
  // Somebody else may have made it at the same moment: what is there now counts.
  CLOUDFLOW_TRY(compare(wanted, found.value()));
  CLOUDFLOW_TRY(apply(wanted));
  CLOUDFLOW_TRY(record(wanted));
  return one(wanted.name);
}

/// How many there are then. Another process may be faster.
result<std::int32_t> topics::grow(const topic_spec& wanted, std::int32_t from) const {
  const auto grown = requests_.grow(wanted.name, wanted.partitions);
  const deadline until{session_->time(), growth_patience};
  while (true) {
    const auto found = CLOUDFLOW_TRY(requests_.describe(wanted.name));
    if (found.partitions >= wanted.partitions) {
      session_->log().info("topic {}: has {} partitions, had {}", wanted.name, found.partitions,
                           from);
      return found.partitions;
    }
    if (!grown) return grown.error();
    if (until.has_passed()) return found.partitions;
    requests_.serve(pause_between_looks);
  }
}

result<void> topics::compare(const topic_spec& wanted, const topic_facts& found) const {
  const auto mismatch = [&](std::string_view what, const auto& has, const auto& wants,
                            std::string_view advice) {
    return error{errc::topic_mismatch,
                 fmt::format("{}: topic \"{}\" exists with {} {}, wanted {}; {}", session_->where(),
                             wanted.name, what, has, wants, advice)};
  };
  if (found.partitions != wanted.partitions)
    return mismatch("partitions:", found.partitions, wanted.partitions,
                    "name that number in the configuration, or use another topic");
  const auto base = CLOUDFLOW_TRY(base_schema(wanted.name));
  if (!base.empty() && !wanted.base_schema.empty() && base != wanted.base_schema)
    return mismatch("base schema", to_hex(base), to_hex(wanted.base_schema),
                    "records without a schema header are of the former; use another topic");
  return {};
}

result<void> topics::apply(const topic_spec& wanted) const {
  if (wanted.properties.empty()) return {};
  const auto found = CLOUDFLOW_TRY(requests_.properties(std::span{&wanted.name, 1}));
  const auto& now = found.front();
  property_map changes;
  for (const auto& [name, value] : wanted.properties) {
    const auto other = now.find(name);
    if (other != now.end() && other->second.value == value) continue;
    changes.emplace(name, value);
    session_->log().info("topic {}: {} is {}, is set to {}", wanted.name, name,
                         other == now.end() ? "not known" : other->second.value, value);
  }
  if (changes.empty()) return {};
  return requests_.alter(wanted.name, changes);
}

result<std::string> topics::base_schema(const std::string& topic) const {
  const auto entry = CLOUDFLOW_TRY(known_.find(key_of(topic)));
  if (!entry) return std::string{};
  return from_hex(*entry).value_or("");
}

result<void> topics::record(const topic_spec& wanted) {
  auto entry = CLOUDFLOW_TRY(known_.find(key_of(wanted.name)));
  const auto is_known = entry && (!entry->empty() || wanted.base_schema.empty());
  if (is_known) return {};
  return known_.put(key_of(wanted.name), to_hex(wanted.base_schema));
}

// -- looking --------------------------------------------------------------------------------------

result<topic_info> topics::one(const std::string& name) const {
  if (!is_valid(name))
    return error{errc::topic_not_found, fmt::format("\"{}\" is no name for a topic", name)};
  const auto found = CLOUDFLOW_TRY(requests_.describe(name));
  auto described = CLOUDFLOW_TRY(describe(std::span{&found, 1}));
  return std::move(described.front());
}

result<std::vector<topic_info>> topics::all() const {
  const auto known = CLOUDFLOW_TRY(known_.all(std::string{topic_kind}));
  std::vector<std::string> names;
  for (const auto& [key, schema] : known) names.push_back(key.substr(topic_kind.size()));
  const auto found = CLOUDFLOW_TRY(requests_.describe(names));
  auto described = describe(found);
  if (described)
    std::ranges::sort(described.value(), {}, [](const auto& info) { return info.spec.name; });
  return described;
}

result<std::vector<topic_info>> topics::describe(std::span<const topic_facts> found) const {
  std::vector<std::string> names;
  for (const auto& facts : found) names.push_back(facts.name);
  const auto properties = CLOUDFLOW_TRY(requests_.properties(names));
  std::vector<topic_info> infos;
  for (std::size_t i = 0; i != found.size(); ++i) {
    auto base = CLOUDFLOW_TRY(base_schema(names[i]));
    auto& info = infos.emplace_back();
    info.spec.name = names[i];
    info.spec.partitions = found[i].partitions;
    info.spec.base_schema = std::move(base);
    for (const auto& [name, property] : properties[i])
      if (is_told(name, property)) info.spec.properties.emplace(name, property.value);
  }
  CLOUDFLOW_TRY(add_ranges(infos));
  return infos;
}

result<void> topics::add_ranges(std::vector<topic_info>& to) const {
  std::vector<topic_partition> partitions;
  for (const auto& info : to)
    for (std::int32_t p = 0; p != info.spec.partitions; ++p)
      partitions.push_back({info.spec.name, partition_id{p}});
  const auto first = CLOUDFLOW_TRY(requests_.offsets(partitions, offset_of::first));
  const auto end = CLOUDFLOW_TRY(requests_.offsets(partitions, offset_of::committed_end));
  std::size_t at = 0;
  for (auto& info : to)
    for (std::int32_t p = 0; p != info.spec.partitions; ++p, ++at)
      info.partitions.push_back({first[at], end[at]});
  return {};
}

}  // namespace cloudflow::pubsub::kafka
