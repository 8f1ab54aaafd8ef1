#include "cloudflow/pubsub/simulated/internal/topics.hpp"

#include <fmt/format.h>

#include <charconv>
#include <limits>

namespace cloudflow::pubsub::simulated {
namespace {

bool is_name(std::string_view name) {
  constexpr std::size_t longest = 249;
  constexpr std::string_view allowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  return !name.empty() && name.size() <= longest && name != "." && name != ".." &&
         name.find_first_not_of(allowed) == std::string_view::npos;
}

std::size_t limit_of(const topic_spec& t) {
  auto limit = std::numeric_limits<std::size_t>::max();
  if (const auto found = t.properties.find("max.message.bytes"); found != t.properties.end())
    std::from_chars(found->second.data(), found->second.data() + found->second.size(), limit);
  return limit;
}

}  // namespace

error no_such_topic(std::string_view what) {
  return {errc::topic_not_found, fmt::format("There is no {}.", what)};
}

result<topic_info> topics::ensure(const topic_spec& wanted) {
  if (!is_name(wanted.name))
    return error{errc::unsupported, fmt::format("\"{}\" is no name of a topic.", wanted.name)};
  const auto found = topics_.find(wanted.name);
  if (found == topics_.end()) {
    auto& made = topics_[wanted.name];
    made.spec = wanted;
    made.spec.properties.try_emplace("max.message.bytes", "1048588");  // as a broker does
    for (std::int32_t i = 0; i != wanted.partitions; ++i)
      made.partitions.push_back(std::make_shared<partition_log>());
    return info_of(made);
  }
  auto& spec = found->second.spec;
  const auto mismatch = [&](const std::string& difference) {
    return error{errc::topic_mismatch, fmt::format("Topic {} has {}.", wanted.name, difference)};
  };
  if (spec.partitions != wanted.partitions)
    return mismatch(fmt::format("{} partitions, wanted {}", spec.partitions, wanted.partitions));
  if (!spec.base_schema.empty() && !wanted.base_schema.empty() &&
      spec.base_schema != wanted.base_schema)
    return mismatch("another base schema");
  if (spec.base_schema.empty()) spec.base_schema = wanted.base_schema;
  for (const auto& [name, value] : wanted.properties) spec.properties[name] = value;
  return info_of(found->second);
}

topic_info topics::info_of(const topic& t) {
  topic_info info{.spec = t.spec, .partitions = {}};
  for (const auto& p : t.partitions) info.partitions.push_back({p->first(), p->end()});
  return info;
}

result<topic_info> topics::describe(std::string_view name) const {
  const auto found = topics_.find(name);
  if (found == topics_.end()) return no_such_topic(fmt::format("topic {}", name));
  return info_of(found->second);
}

std::vector<topic_info> topics::all() const {
  std::vector<topic_info> infos;
  for (const auto& [name, t] : topics_) infos.push_back(info_of(t));
  return infos;
}

void topics::set_limit(std::string_view name, std::size_t bytes) {
  const auto found = topics_.find(name);
  if (found != topics_.end())
    found->second.spec.properties["max.message.bytes"] = std::to_string(bytes);
}

partition_log* topics::find(const topic_partition& source) const {
  const auto t = topics_.find(source.topic);
  const auto at = static_cast<std::size_t>(source.partition.value());
  if (t == topics_.end() || at >= t->second.partitions.size()) return nullptr;
  return t->second.partitions[at].get();
}

result<void> topics::check(const output& records) const {
  const topic_partition to{std::string{records.topic}, records.partition};
  if (find(to) == nullptr) return no_such_topic(fmt::format("partition {}", to_string(to)));
  const auto limit = limit_of(topics_.find(to.topic)->second.spec);
  for (const auto& e : records.records->entries()) {
    const auto size = records.records->key(e).size() + records.records->value(e).size() +
                      records.records->headers(e).size();
    if (size > limit)
      return error{
          errc::record_too_large,
          fmt::format("A record for topic {} has {} bytes; it takes {}.", to.topic, size, limit)};
  }
  return {};
}

}  // namespace cloudflow::pubsub::simulated
