/// Keys of the column families. Numbers are big-endian, so that keys are in the order of their
/// numbers.
///
///     records    topic id u32, partition u32, base offset u64       -> batch.hpp
///     meta       "format"                                           -> version of all of this
///                "commits"                                          -> commits u64, records u64,
///                in each commit "topic/" name                                      -> topic id,
///                partitions, schema, properties "first/" topic id u32, partition u32 -> first
///                offset u64, bytes before it u64
///     positions  text group, topic "/" partition in digits          -> next offset, a long
///     state      text store, partition u32, key                     -> value
///     schemas    fingerprint                                        -> text of the schema
#pragma once

#include "cloudflow/base/bytes.hpp"
#include "cloudflow/base/record.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cloudflow::pubsub::embedded {

inline constexpr std::string_view format_key = "format";
inline constexpr std::string_view format_version = "2";
inline constexpr std::string_view commits_key = "commits";
inline constexpr std::string_view topic_prefix = "topic/";
inline constexpr std::string_view first_prefix = "first/";
inline constexpr std::size_t partition_key_size = 4 + 4;

/// How many commits a log has, and how many records they brought.
struct commit_count {
  std::uint64_t commits = 0, records = 0;
  bool operator==(const commit_count&) const = default;
};

inline void put_count(byte_writer& out, const commit_count& count) {
  out.put_big_endian(count.commits);
  out.put_big_endian(count.records);
}
/// None when the bytes are not a count.
inline std::optional<commit_count> count_in(std::string_view bytes) {
  byte_reader in{bytes};
  commit_count count;
  count.commits = in.get_big_endian<std::uint64_t>();
  count.records = in.get_big_endian<std::uint64_t>();
  if (!in.complete()) return {};
  return count;
}

struct partition_key {
  std::uint32_t topic = 0;
  partition_id partition;
};

inline void put_partition(byte_writer& out, const partition_key& key) {
  out.put_big_endian(key.topic);
  out.put_big_endian(static_cast<std::uint32_t>(key.partition.value()));
}

inline std::string partition_prefix(const partition_key& key) {
  byte_writer out;
  put_partition(out, key);
  return std::string{out.view()};
}

inline std::string batch_key(const partition_key& key, record_offset base) {
  byte_writer out;
  put_partition(out, key);
  out.put_big_endian(static_cast<std::uint64_t>(base.value()));
  return std::string{out.view()};
}

/// @pre `key` starts with a partition's prefix
inline record_offset base_of(std::string_view key) {
  byte_reader in{key.substr(partition_key_size)};
  return record_offset{static_cast<std::int64_t>(in.get_big_endian<std::uint64_t>())};
}

inline std::string first_key(const partition_key& key) {
  byte_writer out;
  out.put_raw(first_prefix);
  put_partition(out, key);
  return std::string{out.view()};
}

inline std::string topic_key(std::string_view name) {
  return std::string{topic_prefix}.append(name);
}

inline void put_position_key(byte_writer& out, std::string_view group, std::string_view topic,
                             partition_id partition) {
  out.put_text(group);
  out.put_raw(topic);
  out.put_raw("/");
  out.put_raw(std::to_string(partition.value()));
}
inline void put_offset(byte_writer& out, record_offset next) { out.put_long(next.value()); }
/// None when the bytes are not an offset.
inline std::optional<record_offset> offset_in(std::string_view bytes) {
  byte_reader in{bytes};
  const record_offset next{in.get_long()};
  if (!in.complete() || next.value() < 0) return {};
  return next;
}

inline void put_state_key(byte_writer& out, std::string_view store, partition_id partition,
                          std::string_view key) {
  out.put_text(store);
  out.put_big_endian(static_cast<std::uint32_t>(partition.value()));
  out.put_raw(key);
}

}  // namespace cloudflow::pubsub::embedded
