#pragma once

#include "cloudflow/pubsub/backend.hpp"

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace cloudflow::pubsub::simulated {

/// How a transaction has ended.
enum class fate { open, committed, aborted };

/// The records of one partition, also those of transactions that are open or were aborted. Guarded
/// by the broker's mutex; the batches that it gives out are not, and need no guard: a record that
/// is written does not change.
class partition_log : public std::enable_shared_from_this<partition_log> {
public:
  /// The records from the `from`-th to before the `to`-th. `of`: their transaction; none: they are
  /// seen at once.
  void append(const record_buffer& records, std::size_t from, std::size_t to, timestamp now,
              const std::shared_ptr<const fate>& of);
  /// Takes an offset, as the end of a transaction does.
  void mark(timestamp now);

  /// The oldest record that can be read, if it is one.
  record_offset first() const noexcept { return first_; }
  /// @pre `needed` is not behind the end.
  void forget_before(record_offset needed) { first_ = std::max(first_, needed); }
  /// Behind what can be read: where the first open transaction begins.
  record_offset end() const;
  /// @pre `from` is in range. `stops_at_last`: the batch ends with its last record although offsets
  /// without record follow.
  record_batch read(record_offset from, fetch_limits limits, bool stops_at_last) const;
  record_offset offset_at(timestamp at) const;
  record_batch committed() const;

private:
  struct slot {
    std::shared_ptr<const fate> of;
    bool is_mark = false;
    timestamp time;
    std::optional<std::string> key, value;
    std::vector<std::pair<std::string, std::string>> headers;
    std::vector<header_view> header_views;
  };
  static bool is_open(const slot& s) { return s.of && *s.of == fate::open; }
  static bool is_seen(const slot& s) { return !s.is_mark && (!s.of || *s.of == fate::committed); }
  record_view view(std::size_t at) const;

  std::deque<slot> slots_;         ///< by offset; never removed, so that batches may borrow
  record_offset first_{0};         ///< what is before cannot be read
  mutable std::size_t ended_ = 0;  ///< all transactions before have ended
};

}  // namespace cloudflow::pubsub::simulated
