#include "cloudflow/pubsub/kafka/internal/destinations.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace cloudflow::pubsub::kafka {
namespace {

constexpr std::size_t default_limit = 1'048'588;

/// Of a number as Kafka's records have it: zigzag, base 128.
std::size_t varint_size(std::int64_t v) {
  auto z = (static_cast<std::uint64_t>(v) << 1) ^ static_cast<std::uint64_t>(v >> 63);
  std::size_t size = 1;
  for (; z > 127; z >>= 7) ++size;
  return size;
}

std::size_t field_size(std::int32_t size) {
  return varint_size(size) + static_cast<std::size_t>(std::max(size, 0));
}

}  // namespace

result<destination> destinations::find(std::string_view topic, partition_id partition) {
  for (const bool is_again : {false, true}) {
    const std::lock_guard lock{mutex_};
    auto at = known_.find(topic);
    if (at == known_.end() || is_again) {
      auto found = look_up(std::string{topic});
      if (!found) return found;
      at = known_.insert_or_assign(std::string{topic}, *found).first;
    }
    if (partition.value() < at->second.partitions) return at->second;
  }
  return error{errc::topic_not_found,
               fmt::format("Topic {} has no partition {}.", topic, partition.value())};
}

result<destination> destinations::look_up(const std::string& topic) const {
  const auto facts = CLOUDFLOW_TRY(cluster_.describe(topic));
  const std::array names{topic};
  const auto properties = CLOUDFLOW_TRY(cluster_.properties(names));
  destination found{facts.partitions, default_limit};
  if (const auto limit = properties.front().find("max.message.bytes");
      limit != properties.front().end()) {
    const auto& text = limit->second.value;
    std::from_chars(text.data(), text.data() + text.size(), found.max_message_bytes);
  }
  return found;
}

void destinations::forget_all() {
  const std::lock_guard lock{mutex_};
  known_.clear();
}

// Kafka's format 2: the head of a batch, then length, attributes, time, offset, key, value,
// headers.
std::size_t size_on_log(const record_buffer& records, const record_buffer::entry& record) {
  constexpr std::size_t head = 61, attributes_time_and_offset = 3;
  std::int64_t count = 0;
  byte_reader headers{records.headers(record)};
  for (; headers.remaining() != 0; ++count) {
    headers.get_text();
    headers.get_text();
  }
  const auto body = attributes_time_and_offset + field_size(record.key_size) +
                    field_size(record.value_size) + varint_size(count) + record.header_bytes;
  return head + varint_size(static_cast<std::int64_t>(body)) + body;
}

result<void> check(const std::vector<output>& outputs, destinations& topics, std::size_t bound) {
  for (const auto& out : outputs) {
    const auto to = CLOUDFLOW_TRY(topics.find(out.topic, out.partition));
    const auto limit = std::min(to.max_message_bytes, bound);
    // Cheap first: most batches are smaller than one record may be.
    if (out.records->byte_size() + 32 * out.records->size() + 128 <= limit) continue;
    for (const auto& record : out.records->entries())
      if (const auto size = size_on_log(*out.records, record); size > limit)
        return error{
            errc::record_too_large,
            fmt::format("A record of {} bytes ({} on the log) for {}/{} is larger than the {} "
                        "bytes of the topic's max.message.bytes.",
                        out.records->key(record).size() + out.records->value(record).size(), size,
                        out.topic, out.partition.value(), limit)};
  }
  return {};
}

}  // namespace cloudflow::pubsub::kafka
