/// What a task writes to an outlet between two commits.
#pragma once

#include "cloudflow/base/record.hpp"
#include "cloudflow/schema/schema_header.hpp"

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudflow::flow {

using schema::schema_header_name;

/// What a task has written to one outlet since the last commit: one buffer for each partition of
/// its topic. Confined to one thread.
class outlet_buffer {
public:
  /// `schema_header`: first bytes of the fingerprint, put on every record; empty where the records
  /// have the topic's base schema and need no header.
  explicit outlet_buffer(std::int32_t partitions, std::string schema_header = {})
    : by_partition_(static_cast<std::size_t>(partitions)),
      schema_header_(std::move(schema_header)) {}

  /// Appends to the partition of `key`; without key (`key.data() == nullptr`) to one after the
  /// other. `write_value` appends to the writer it gets.
  template <class WriteValue>
  void append(std::string_view key, WriteValue&& write_value) {
    append_to(partition_for(key), key, std::forward<WriteValue>(write_value));
  }
  /// The partition of a key; without key one after the other.
  std::size_t partition_for(std::string_view key) noexcept;
  /// As append(), where the partition is known.
  template <class WriteValue>
  void append_to(std::size_t partition, std::string_view key, WriteValue&& write_value) {
    auto& records = by_partition_[partition];
    const auto before = records.byte_size();
    records.append(
        key.data() != nullptr, [key](byte_writer& w) { w.put_raw(key); },
        std::forward<WriteValue>(write_value));
    if (!schema_header_.empty()) records.add_header(schema_header_name, schema_header_);
    if (records.byte_size() - before > max_record_bytes_) [[unlikely]]
      refuse_last(records);
    ++appended_;
  }
  /// Appends to every partition, without key.
  template <class WriteValue>
  void append_to_each(WriteValue&& write_value) {
    for (auto& records : by_partition_) {
      records.append(
          false, [](byte_writer&) {}, write_value);
      if (!schema_header_.empty()) records.add_header(schema_header_name, schema_header_);
      ++appended_;
    }
  }
  /// From now on append() throws `std::length_error` for a larger record.
  void set_limit(const std::string& topic, std::size_t max_record_bytes) {
    topic_ = topic;
    max_record_bytes_ = max_record_bytes;
    has_refused_ = false;
  }
  /// A record was too large, since the limit was set.
  bool has_refused() const noexcept { return has_refused_; }
  /// Scratch space for a key that has to be put together.
  byte_writer& key_space() noexcept {
    key_space_.clear();
    return key_space_;
  }
  std::span<const record_buffer> by_partition() const noexcept { return by_partition_; }
  /// Records since the last `clear()`.
  std::uint64_t size() const noexcept { return appended_; }
  std::size_t byte_size() const noexcept;
  void clear() noexcept;
  /// Moves the records to `to`, which is empty, and takes its buffers in exchange.
  void hand_over(outlet_buffer& to) noexcept {
    std::swap(by_partition_, to.by_partition_);
    std::swap(appended_, to.appended_);
  }

private:
  [[noreturn]] void refuse_last(record_buffer& records);

  std::vector<record_buffer> by_partition_;
  std::string schema_header_, topic_;
  std::size_t max_record_bytes_ = std::numeric_limits<std::size_t>::max();
  bool has_refused_ = false;
  byte_writer key_space_;
  std::uint64_t appended_ = 0;
  std::size_t next_without_key_ = 0;
};

}  // namespace cloudflow::flow
