#include "cloudflow/operate/send.hpp"

#include "cloudflow/base/hash.hpp"
#include "cloudflow/operate/record_text.hpp"

#include <fmt/format.h>

namespace cloudflow::operate {

namespace {

result<void> commit(pubsub::backend& log, const pubsub::durable_names& names,
                    const std::string& topic, const std::vector<record_buffer>& by_partition) {
  auto producer = log.open_producer({.transactional_id = names.send_id(topic)});
  if (!producer) return error{producer.error().message};
  pubsub::transaction changes;
  for (std::size_t p = 0; p != by_partition.size(); ++p)
    if (!by_partition[p].empty())
      changes.outputs.push_back(
          {topic, partition_id{static_cast<std::int32_t>(p)}, &by_partition[p]});
  if (auto done = (*producer)->commit(changes); !done) return error{done.error().message};
  return {};
}

}  // namespace

result<void> send(pubsub::backend& log, const pubsub::durable_names& names,
                  const send_request& request) {
  const auto info = log.topic(request.topic);
  if (!info) return error{info.error().message};
  record_text text{log, info->spec.base_schema, false};
  const auto partitions = static_cast<std::int32_t>(info->partitions.size());
  std::vector<record_buffer> by_partition(info->partitions.size());
  for (std::size_t i = 0; i != request.values_json.size(); ++i) {
    auto encoded = text.encode(request.values_json[i]);
    if (!encoded) return error{fmt::format("record {}: {}", i + 1, encoded.error().message)};
    const auto p = request.key ? partition_of(*request.key, partitions)
                               : static_cast<std::int32_t>(i) % partitions;
    by_partition[static_cast<std::size_t>(p)].append(
        request.key ? std::string_view{*request.key} : std::string_view{}, *encoded);
  }
  return commit(log, names, request.topic, by_partition);
}

}  // namespace cloudflow::operate
