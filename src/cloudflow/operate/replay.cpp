#include "cloudflow/operate/replay.hpp"

#include "cloudflow/application/store_registry.hpp"
#include "cloudflow/operate/offsets.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>

namespace cloudflow::operate {

namespace {

result<std::unique_ptr<pubsub::producer>> open_producer(pubsub::backend& log, std::string id) {
  auto opened = log.open_producer({.transactional_id = std::move(id)});
  if (!opened) return error{std::move(opened).error().message};
  return std::move(opened).value();
}

result<void> commit(pubsub::producer& to, const pubsub::transaction& changes) {
  if (auto done = to.commit(changes); !done) return error{done.error().message};
  return {};
}

}  // namespace

result<std::vector<replay_part>> parts_of(const pubsub::backend& log, const blueprint::plan& plan,
                                          const blueprint::streamlet_plan& streamlet,
                                          const offset_spec& from, const offset_spec& to) {
  const auto inlets = CLOUDFLOW_TRY(find_inlets(plan, streamlet.name));
  std::vector<replay_part> parts;
  for (const auto& inlet : inlets) {
    const auto& topic = inlet.topic();
    const auto ranges = CLOUDFLOW_TRY(ranges_of(log, topic));
    for (const auto& where : {from, to})
      CLOUDFLOW_TRY(expect_one_partition(where, topic, ranges.size()));
    for (std::size_t p = 0; p != ranges.size(); ++p) {
      const pubsub::topic_partition source{topic, partition_id{static_cast<std::int32_t>(p)}};
      const auto begin = from.in(log, source, (ranges)[p]), end = to.in(log, source, (ranges)[p]);
      if (!begin || !end) return begin ? end.error() : begin.error();
      if (*end < *begin)
        return error{fmt::format("{}: the range would go from offset {} back to {}",
                                 to_string(source), begin->value(), end->value())};
      parts.push_back({source, inlet.port->group, *begin, *end});
    }
  }
  return parts;
}

// -- with its own state, from the beginning -------------------------------------------------------

namespace {

/// Brings the state of all partitions here, so that it can be removed.
result<void> restore_all(pubsub::backend& log, const std::string& owner, std::int32_t partitions) {
  if (auto done = log.ensure_state(owner, partitions); !done) return error{done.error().message};
  // Shared with the log, which may call once more when all is done.
  const auto calls = std::make_shared<std::atomic<std::uint32_t>>(0);
  const auto on_ready = [calls] {
    calls->fetch_add(1, std::memory_order_release);
    calls->notify_one();
  };
  for (std::int32_t p = 0; p != partitions;) {
    const auto seen = calls->load(std::memory_order_acquire);
    const auto is_here = log.restore(owner, partition_id{p}, on_ready);
    if (!is_here) return error{is_here.error().message};
    if (*is_here)
      ++p;
    else
      calls->wait(seen, std::memory_order_acquire);
  }
  return {};
}

/// The names of all state stores of a streamlet.
std::vector<std::string> stores_of(const blueprint::streamlet_plan& streamlet) {
  std::vector<std::string> names;
  for (const auto& state : streamlet.states) {
    names.push_back(state.store);
    names.push_back(state.parked_store);
  }
  names.push_back(streamlet.event_time_store);
  return names;
}

result<void> forget_state(pubsub::backend& log, pubsub::producer& writer,
                          const blueprint::streamlet_plan& streamlet,
                          const std::vector<replay_part>& parts) {
  std::int32_t partitions = 1;
  for (const auto& part : parts)
    partitions = std::max(partitions, part.source.partition.value() + 1);
  CLOUDFLOW_TRY(restore_all(log, streamlet.name, partitions));
  for (const auto& store : stores_of(streamlet))
    CLOUDFLOW_TRY(app::reset_store(log, writer, store, partitions));
  return {};
}

}  // namespace

result<void> reset_state(pubsub::backend& log, const blueprint::plan& plan,
                         const blueprint::streamlet_plan& streamlet,
                         const std::vector<replay_part>& parts) {
  CLOUDFLOW_TRY(expect_stopped(log, streamlet));
  auto writer = CLOUDFLOW_TRY(open_producer(log, plan.names().stores_id(streamlet.name, {})));
  if (!streamlet.states.empty()) {
    CLOUDFLOW_TRY(forget_state(log, *writer, streamlet, parts));
  }
  pubsub::transaction changes;
  for (const auto& part : parts)
    changes.positions.push_back({part.group, part.source.topic, part.source.partition, part.from});
  // What has moved to its key and was not processed comes again.
  for (const auto& r : streamlet.repartitions) {
    const auto& topic = plan.topics[r.port.topic].name;
    const auto ranges = CLOUDFLOW_TRY(ranges_of(log, topic));
    for (std::size_t p = 0; p != ranges.size(); ++p)
      changes.positions.push_back(
          {r.port.group, topic, partition_id{static_cast<std::int32_t>(p)}, (ranges)[p].end});
  }
  return commit(*writer, changes);
}

}  // namespace cloudflow::operate
