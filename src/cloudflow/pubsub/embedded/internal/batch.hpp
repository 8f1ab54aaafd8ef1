/// How the records of one transaction and partition are stored: one value of the `records` column
/// family.
///
///     version 2 | count u32 | append time u64 | latest u64 | bytes before u64 | index size u32 |
///     index | payload
///
/// Numbers are big-endian. The index holds three variable-length numbers a record (size of key, of
/// value, -1 for none, and of headers); the payload is what a record_buffer holds: key, value,
/// headers one after the other. `latest` is the latest append time of the partition so far, this
/// one's included: it never goes back when the clock does, so that records are found by their time.
/// `bytes before` is the size of all earlier values of the partition, so that the size of a
/// partition is a subtraction. There is no checksum of ours: RocksDB keeps one for each block and
/// each entry of its write-ahead log, and verifies it whenever it reads from the disk.
#pragma once

#include "cloudflow/base/record.hpp"
#include "cloudflow/pubsub/backend.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace cloudflow::pubsub::embedded {

struct batch_header {
  std::int32_t count = 0;
  timestamp appended;
  timestamp latest;  ///< append time of the partition up to here
  std::uint64_t bytes_before = 0;
};

/// Immutable once it is shared.
class stored_batch {
public:
  /// Encodes the records of `parts`, in this order. Their place in the log is not known yet.
  explicit stored_batch(std::span<const record_buffer* const> parts);
  /// Takes a copy of what was read.
  stored_batch(record_offset base, const batch_header& header, std::string_view bytes);

  /// Gives it its place. `latest`: of the batches before.
  void place(record_offset base, timestamp appended, timestamp latest, std::uint64_t bytes_before);

  record_offset base() const noexcept { return base_; }
  record_offset end() const noexcept { return base_ + header_.count; }
  const batch_header& header() const noexcept { return header_; }
  std::string_view bytes() const noexcept { return {bytes_.get(), size_}; }

private:
  std::unique_ptr<char[]> bytes_;
  std::size_t size_ = 0;
  record_offset base_;
  batch_header header_;
};

/// None when these are not the bytes of a batch.
std::optional<batch_header> read_header(std::string_view bytes);

/// Whether all records of a batch can be read.
bool is_readable(record_offset base, const batch_header& header, std::string_view bytes);

/// What is left of the limits of one read.
struct fetch_budget {
  std::size_t records, bytes;
  bool is_first = true;

  /// Takes a record of that size if it fits; the first one always does.
  bool take(std::size_t size) noexcept;
};

/// Collects records of one or more stored batches into what a reader gets.
class batch_builder {
public:
  batch_builder();
  /// Where reading a stored batch goes on.
  struct cursor {
    record_offset next;
    std::size_t index_at = 0, payload_at = 0;
    bool is_open = false;
  };
  enum class outcome { all_read, limit_reached, corrupt };
  /// Reads from `at.next` on, within the budget. `at.is_open == false` starts at the batch's
  /// beginning and skips to `at.next`.
  outcome add(const std::shared_ptr<const stored_batch>& batch, cursor& at, fetch_budget& budget);
  record_batch finish() &&;

private:
  struct contents {
    std::vector<std::shared_ptr<const stored_batch>> batches;
    std::vector<header_view> headers;
  };
  struct header_range {
    std::size_t record, first, count;
  };
  bool add_headers(std::string_view raw);

  std::shared_ptr<contents> owner_;
  std::vector<record_view> records_;
  std::vector<header_range> with_headers_;
};

}  // namespace cloudflow::pubsub::embedded
