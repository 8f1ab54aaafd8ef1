#include "cloudflow/operate/offsets.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace cloudflow::operate {

namespace {

result<inlet_position> position_of(const pubsub::backend& log, const planned_inlet& inlet,
                                   const pubsub::topic_partition& source,
                                   const pubsub::partition_range& range) {
  const auto committed = log.position(inlet.port->group, source);
  if (!committed) return error{committed.error().message};
  return inlet_position{inlet.path(), inlet.port->group, source, *committed, range};
}

/// Of all partitions of a topic; nothing when it has not been made yet.
result<void> add_positions(const pubsub::backend& log, const planned_inlet& inlet,
                           const std::string& topic, std::vector<inlet_position>& to) {
  const auto info = log.topic(topic);
  if (!info && info.error().code == pubsub::errc::topic_not_found) return {};
  if (!info) return error{info.error().message};
  for (std::size_t p = 0; p != info->partitions.size(); ++p) {
    auto position = CLOUDFLOW_TRY(position_of(
        log, inlet, {topic, partition_id{static_cast<std::int32_t>(p)}}, info->partitions[p]));
    to.push_back(std::move(position));
  }
  return {};
}

result<void> commit(pubsub::backend& log, const std::string& transactional_id,
                    const std::vector<inlet_position>& moved) {
  auto producer = log.open_producer({.transactional_id = transactional_id});
  if (!producer) return error{producer.error().message};
  pubsub::transaction changes;
  for (const auto& m : moved)
    changes.positions.push_back({m.group, m.source.topic, m.source.partition, *m.committed});
  if (auto done = (*producer)->commit(changes); !done) return error{done.error().message};
  return {};
}

}  // namespace

std::int64_t inlet_position::lag() const {
  return std::max<std::int64_t>(0,
                                range.end - std::max(committed.value_or(range.first), range.first));
}

bool inlet_position::is_in_range() const {
  return !committed || (*committed >= range.first && *committed <= range.end);
}

result<std::vector<pubsub::partition_range>> ranges_of(const pubsub::backend& log,
                                                       const std::string& topic) {
  const auto info = log.topic(topic);
  if (info) return info->partitions;
  if (info.error().code != pubsub::errc::topic_not_found) return error{info.error().message};
  return error{
      fmt::format("{} Start the application once: it makes its topics.", info.error().message)};
}

result<void> expect_one_partition(const offset_spec& where, const std::string& topic,
                                  std::size_t partitions) {
  if (where.what() != offset_spec::kind::offset || partitions == 1) return {};
  return error{
      fmt::format("an offset belongs to one partition, and {} has {}: name a time instead, "
                  "or beginning or end",
                  topic, partitions)};
}

result<void> expect_stopped(const pubsub::backend& log,
                            const blueprint::streamlet_plan& streamlet) {
  for (const auto& port : streamlet.inlets) {
    const auto is_read = log.has_members(port.group);
    if (!is_read) return error{is_read.error().message};
    if (*is_read)
      return error{fmt::format("streamlet {} runs: group {} has members. Stop it first.",
                               streamlet.name, port.group)};
  }
  return {};
}

result<std::vector<inlet_position>> positions(const pubsub::backend& log,
                                              const blueprint::plan& plan, std::string_view path) {
  const auto inlets = CLOUDFLOW_TRY(find_inlets(plan, path));
  std::vector<inlet_position> all;
  for (const auto& inlet : inlets) {
    CLOUDFLOW_TRY(add_positions(log, inlet, inlet.topic(), all));
    for (const auto& topic : inlet.repartition_topics())
      CLOUDFLOW_TRY(add_positions(log, inlet, topic, all));
    const auto retry_topic = inlet.retry_topic();
    if (retry_topic.empty()) continue;
    std::vector<inlet_position> retries;
    CLOUDFLOW_TRY(add_positions(log, inlet, retry_topic, retries));
    std::erase_if(retries, [](const auto& r) { return r.range.end == record_offset{0}; });
    all.insert(all.end(), retries.begin(), retries.end());
  }
  return all;
}

result<std::vector<inlet_position>> set_positions(pubsub::backend& log, const planned_inlet& inlet,
                                                  const offset_spec& to,
                                                  std::optional<std::int32_t> partition) {
  const auto& name = inlet.streamlet->name;
  if (!inlet.streamlet->states.empty())
    return error{fmt::format(
        "streamlet {0} keeps state that belongs to its positions, so they are not moved alone: "
        "`replay {0} --from ... --reset-state` forgets the state as well, `replay {0} --from ... "
        "--into NAME` leaves both as they are",
        name)};
  CLOUDFLOW_TRY(expect_stopped(log, *inlet.streamlet));
  const auto& topic = inlet.topic();
  const auto ranges = CLOUDFLOW_TRY(ranges_of(log, topic));
  const auto count = static_cast<std::int32_t>(ranges.size());
  if (partition && (*partition < 0 || *partition >= count))
    return error{fmt::format("topic {} has no partition {}: there are {}, numbered from 0", topic,
                             *partition, count)};
  CLOUDFLOW_TRY(expect_one_partition(to, topic, partition ? 1 : ranges.size()));
  std::vector<inlet_position> moved;
  for (std::int32_t p = 0; p != count; ++p) {
    if (partition && *partition != p) continue;
    const pubsub::topic_partition source{topic, partition_id{p}};
    const auto& range = (ranges)[static_cast<std::size_t>(p)];
    const auto offset = CLOUDFLOW_TRY(to.in(log, source, range));
    moved.push_back({inlet.path(), inlet.port->group, source, offset, range});
  }
  const auto id = inlet.plan->names().offsets_id(name, inlet.port->name);
  CLOUDFLOW_TRY(commit(log, id, moved));
  return moved;
}

}  // namespace cloudflow::operate
