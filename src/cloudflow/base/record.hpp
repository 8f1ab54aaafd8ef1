/// Records as bytes: what the log carries and the pipelines read and write.
#pragma once

#include "cloudflow/base/bytes.hpp"
#include "cloudflow/base/strong.hpp"
#include "cloudflow/base/time.hpp"

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace cloudflow {

struct offset_tag;
/// Position of a record in its partition, from 0.
using record_offset = strong<offset_tag, std::int64_t>;
struct partition_tag;
/// Number of a partition in its topic, from 0.
using partition_id = strong<partition_tag, std::int32_t>;

struct header_view {
  std::string_view name, value;
};

/// One record; borrows from the batch that owns its bytes.
struct record_view {
  std::string_view key;    ///< `key.data() == nullptr`: the record has no key
  std::string_view value;  ///< `value.data() == nullptr`: a tombstone
  std::span<const header_view> headers;
  timestamp time;  ///< when it was appended, by the log's clock
  record_offset offset;
};

/// Records to be written to one partition: one growing byte buffer and an index into it. `clear()`
/// keeps the capacity. Confined to one thread.
class record_buffer {
public:
  struct entry {
    std::uint32_t at = 0;          ///< where the key starts; headers follow the value
    std::int32_t key_size = -1;    ///< -1: no key
    std::int32_t value_size = -1;  ///< -1: a tombstone
    std::uint32_t header_bytes = 0;
  };

  /// `write_key` and `write_value` append to the writer they get; `has_key` says whether there is a
  /// key. Where they throw, the buffer is as before.
  template <class WriteKey, class WriteValue>
  void append(bool has_key, WriteKey&& write_key, WriteValue&& write_value) {
    entry e{.at = static_cast<std::uint32_t>(bytes_.size())};
    try {
      if (has_key) {
        write_key(bytes_);
        e.key_size = static_cast<std::int32_t>(bytes_.size() - e.at);
      }
      const auto value_at = bytes_.size();
      write_value(bytes_);
      e.value_size = static_cast<std::int32_t>(bytes_.size() - value_at);
      entries_.push_back(e);
    } catch (...) {
      bytes_.truncate(e.at);
      throw;
    }
  }
  void append(std::string_view key, std::string_view value) {
    append(
        key.data() != nullptr, [&](byte_writer& w) { w.put_raw(key); },
        [&](byte_writer& w) { w.put_raw(value); });
    if (value.data() == nullptr) entries_.back().value_size = -1;
  }
  /// Adds a header to the record appended last.
  void add_header(std::string_view name, std::string_view value) {
    const auto before = bytes_.size();
    bytes_.put_text(name);
    bytes_.put_text(value);
    entries_.back().header_bytes += static_cast<std::uint32_t>(bytes_.size() - before);
  }

  std::span<const entry> entries() const noexcept { return entries_; }
  std::string_view key(const entry& e) const noexcept {
    return e.key_size < 0 ? std::string_view{} : at(e.at, static_cast<std::size_t>(e.key_size));
  }
  std::string_view value(const entry& e) const noexcept {
    return e.value_size < 0 ? std::string_view{}
                            : at(value_at(e), static_cast<std::size_t>(e.value_size));
  }
  /// Pairs of `put_text(name)`, `put_text(value)`.
  std::string_view headers(const entry& e) const noexcept {
    return at(value_at(e) + static_cast<std::size_t>(e.value_size < 0 ? 0 : e.value_size),
              e.header_bytes);
  }
  /// Bytes of key, value and headers of the record appended last.
  std::size_t last_size() const noexcept { return bytes_.size() - entries_.back().at; }
  std::size_t size() const noexcept { return entries_.size(); }
  bool empty() const noexcept { return entries_.empty(); }
  std::size_t byte_size() const noexcept { return bytes_.size(); }
  /// Key, value and headers of all records, one after the other. Valid until the next change.
  std::string_view bytes() const noexcept { return bytes_.view(); }
  void clear() noexcept {
    bytes_.clear();
    entries_.clear();
  }
  /// Forgets the records appended after there were `count`: takes back what one failed record has
  /// written.
  void truncate(std::size_t count) noexcept {
    if (count >= entries_.size()) return;
    bytes_.truncate(entries_[count].at);
    entries_.resize(count);
  }

private:
  static std::size_t value_at(const entry& e) noexcept {
    return e.at + static_cast<std::size_t>(e.key_size < 0 ? 0 : e.key_size);
  }
  /// Never null, also where nothing has been written yet: empty is not absent.
  std::string_view at(std::size_t from, std::size_t size) const noexcept {
    return size == 0 ? std::string_view{""} : bytes_.view().substr(from, size);
  }

  byte_writer bytes_;
  std::vector<entry> entries_;
};

}  // namespace cloudflow
