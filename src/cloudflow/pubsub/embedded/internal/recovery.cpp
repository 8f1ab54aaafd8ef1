#include "cloudflow/pubsub/embedded/internal/recovery.hpp"

#include "cloudflow/pubsub/embedded/internal/topic_codec.hpp"

#include <fmt/format.h>

#include <limits>

namespace cloudflow::pubsub::embedded {
namespace {

error corrupt(const options& wanted, std::string_view what) {
  return {errc::corrupt,
          fmt::format("The log in {} is damaged: {} is not what was written. Nothing was changed. "
                      "`state salvage` copies what can be read of it to a new log and says what "
                      "is lost; `state check` looks closer.",
                      wanted.directory.string(), what)};
}

result<void> recover_topics(const storage& disk, const options& wanted, topic_table& topics) {
  std::optional<error> problem;
  auto scanned =
      disk.scan(family::meta, topic_prefix, [&](std::string_view key, std::string_view value) {
        if (!key.starts_with(topic_prefix)) return false;
        const auto name = key.substr(topic_prefix.size());
        const auto topic = decode_topic(name, value);
        if (!topic) {
          problem = corrupt(wanted, fmt::format("the record of topic {}", name));
          return false;
        }
        const auto rules = rules_of(topic->spec);
        if (!rules) {
          problem = rules.error();
          return false;
        }
        if (topics.find(name) != nullptr) return true;
        topics.add(std::make_unique<topic_state>(topic->id, topic->spec, rules.value()),
                   topic->spec.name);
        return true;
      });
  if (problem) return *std::move(problem);
  return scanned;
}

result<log_place> first_of(const storage& disk, const options& wanted,
                           const partition_log& partition) {
  const auto found = CLOUDFLOW_TRY(disk.get(family::meta, first_key(partition.key())));
  if (!found) return log_place{};
  byte_reader in{*found};
  log_place first;
  first.offset = record_offset{static_cast<std::int64_t>(in.get_big_endian<std::uint64_t>())};
  first.bytes = in.get_big_endian<std::uint64_t>();
  if (!in.complete()) return corrupt(wanted, "the beginning of " + to_string(partition.source()));
  return first;
}

result<void> recover_partition(const storage& disk, const options& wanted,
                               partition_log& partition) {
  const auto first = CLOUDFLOW_TRY(first_of(disk, wanted, partition));
  const auto prefix = partition_prefix(partition.key());
  auto end = first;
  bool is_corrupt = false;
  auto scanned = disk.scan_from_floor(
      family::records,
      batch_key(partition.key(), record_offset{std::numeric_limits<std::int64_t>::max()}),
      [&](std::string_view key, std::string_view value) {
        if (!key.starts_with(prefix)) return false;
        const auto header = read_header(value);
        is_corrupt = !header;
        if (header)
          end = {base_of(key) + header->count, header->bytes_before + value.size(), header->latest};
        return false;
      });
  if (!scanned) return scanned;
  if (is_corrupt) return corrupt(wanted, "the end of " + to_string(partition.source()));
  partition.recover(first, end);
  return {};
}

result<void> recover_partitions(const storage& disk, const options& wanted,
                                const topic_table& topics) {
  for (const auto* topic : topics.all())
    for (std::int32_t i = 0; i != topic->partition_count(); ++i) {
      auto done = recover_partition(disk, wanted, topic->partition(partition_id{i}));
      if (!done) return done;
    }
  return {};
}

result<void> recover_readers(const storage& disk, const options& wanted,
                             const topic_table& topics) {
  std::optional<error> problem;
  auto scanned =
      disk.scan(family::positions, {}, [&](std::string_view key, std::string_view position) {
        byte_reader in{key};
        const auto group = in.get_text();
        const auto split = in.get_raw(in.remaining());
        topic_state* topic = nullptr;
        const auto* partition = topics.partition_of_split(split, topic);
        if (partition == nullptr) return true;
        const auto next = offset_in(position);
        if (!next) {
          problem = corrupt(wanted, fmt::format("the position of group {} in {}", group, split));
          return false;
        }
        topic->note_reader(group, partition->key().partition, *next);
        return true;
      });
  if (problem) return *std::move(problem);
  return scanned;
}

}  // namespace

result<std::unique_ptr<topic_table>> recover(const storage& disk, const options& wanted) {
  auto topics = std::make_unique<topic_table>();
  CLOUDFLOW_TRY(recover_again(disk, wanted, *topics));
  return topics;
}

result<void> recover_again(const storage& disk, const options& wanted, topic_table& topics) {
  CLOUDFLOW_TRY(recover_topics(disk, wanted, topics));
  CLOUDFLOW_TRY(recover_partitions(disk, wanted, topics));
  return recover_readers(disk, wanted, topics);
}

}  // namespace cloudflow::pubsub::embedded
