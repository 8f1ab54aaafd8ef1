#include "cloudflow/pubsub/kafka/internal/consumer_properties.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace cloudflow::pubsub::kafka {
namespace {

// Enough to keep a core busy while brokers answer, in a process of 64 MB. A message takes about 300
// bytes more than its payload until its batch is gone.
constexpr std::int32_t prefetched_messages = 20'000, fewest_messages = 500;
constexpr std::int32_t prefetched_kilobytes = 12 * 1024, fewest_kilobytes = 64;
// A fetch may bring more of every partition than the prefetch asks for.
constexpr std::int32_t fetched_bytes = 1024 * 1024, fewest_fetched_bytes = 64 * 1024;

std::string share(std::int32_t all, std::int32_t partitions, std::int32_t at_least,
                  std::int32_t at_most) {
  return std::to_string(std::clamp(all / std::max(partitions, 1), at_least, at_most));
}

}  // namespace

group_protocol asked_for(const property_map& of_consumer, const property_map& of_session) {
  for (const auto* properties : {&of_consumer, &of_session}) {
    if (const auto named = properties->find("group.protocol"); named != properties->end())
      return named->second == "classic" ? group_protocol::classic : group_protocol::consumer;
    for (const auto* only_classic :
         {"session.timeout.ms", "heartbeat.interval.ms", "partition.assignment.strategy"})
      if (properties->contains(only_classic)) return group_protocol::classic;
  }
  return group_protocol::consumer;
}

client_spec spec_of(const consumer_options& wanted, group_protocol protocol,
                    std::int32_t partitions) {
  client_spec spec{.role = client_role::consumer, .name = "consumer of " + wanted.group};
  spec.properties = wanted.properties;
  spec.defaults = {
      {"queued.min.messages",
       share(prefetched_messages, partitions, fewest_messages, prefetched_messages)},
      {"queued.max.messages.kbytes",
       share(prefetched_kilobytes, partitions, fewest_kilobytes, prefetched_kilobytes)},
      {"max.partition.fetch.bytes",
       share(fetched_bytes, partitions, fewest_fetched_bytes, fetched_bytes)},
      {"fetch.max.bytes", std::to_string(fetched_bytes)},
      // Short: with a small prefetch, a long pause after it was full is a gap.
      {"fetch.queue.backoff.ms", "5"},
      // How late the end of a partition is noticed.
      {"fetch.wait.max.ms", "100"},
  };
  if (protocol == group_protocol::classic)
    spec.defaults["partition.assignment.strategy"] =
        wanted.is_joined ? "range" : "cooperative-sticky";
  else
    // Topic by topic. The brokers' default counts partitions only, and gives one member all of a
    // topic and another the topic of its retries, where nothing comes.
    spec.defaults["group.remote.assignor"] = "range";
  spec.required = {
      {"group.id", wanted.group},
      {"group.protocol", protocol == group_protocol::classic ? "classic" : "consumer"},
      {"enable.auto.commit", "false"},
      {"enable.auto.offset.store", "false"},
      {"isolation.level", "read_committed"},
      {"enable.partition.eof", "true"},
      {"auto.offset.reset", "error"},
  };
  spec.configure = [](rd_kafka_conf_t* conf) {
    rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_ERROR);
  };
  return spec;
}

}  // namespace cloudflow::pubsub::kafka
