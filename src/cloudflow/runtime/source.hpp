#pragma once

#include "cloudflow/runtime/input.hpp"
#include "cloudflow/runtime/schema_reader.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>

namespace cloudflow::runtime {

/// What a task is told about a partition: that it has it, or has to give it up.
struct source_event {
  pubsub::assignment change;
  std::size_t inlet = 0;  ///< that reads the partition's topic
  input* from = nullptr;
};

/// Why a record is a dead letter, or skipped.
struct bad_record {
  std::string reason;
  bool is_decodable = true;  ///< the author's code threw; otherwise it cannot be converted
};

/// One partition that a task reads. Confined to the task's worker, but for `position`.
struct source {
  explicit source(const source_event& e)
    : inlet(e.inlet),
      from(e.from),
      at(e.change.source),
      committed(e.change.next),
      submitted(e.change.next),
      next(e.change.next),
      position(e.change.next.value()) {}

  std::size_t inlet;
  input* from;
  pubsub::topic_partition at;
  /// What is durable, what the commit under way makes durable, and where reading goes on.
  record_offset committed, submitted, next;
  std::atomic<std::int64_t> position;  ///< `committed`, for other threads
  record_offset forgotten{0};          ///< the log has been told that nobody needs what is before
  bool is_leaving = false;             ///< is released when nothing of it is left to commit
  /// Since when there has been nothing to take; none: there was something, or nobody has looked.
  std::optional<timestamp> quiet_since;

  pubsub::record_batch batch;
  std::span<const record_view> left;  ///< of `batch`, but for those that cannot be converted
  schema_reader::scratch decoded;
  /// Bad records, rejected when it is their turn: those of the batch that cannot be converted,
  /// and those that made the author's code throw since the last commit, so that a replay stumbles
  /// over each of them once.
  std::map<record_offset, bad_record> bad;

  bool has_moved() const noexcept { return next != submitted; }
  void submit() noexcept { submitted = next; }
  void settle() noexcept {
    committed = submitted;
    bad.erase(bad.begin(), bad.lower_bound(committed));
    position.store(committed.value(), std::memory_order_release);
  }
  void rewind() {
    batch = {};
    left = {};
    next = submitted = committed;
    quiet_since.reset();
    from->seek(at, committed).ignore("the next take reports it");
  }
  /// The next bad record of the batch; null: what is left is good.
  const std::pair<const record_offset, bad_record>* next_bad() const {
    const auto found = bad.lower_bound(next);
    return found == bad.end() || find(found->first) == nullptr ? nullptr : &*found;
  }
  /// A record of the batch as it came; null: it is not there.
  const record_view* find(record_offset offset) const {
    const auto records = batch.records();
    const auto found = std::lower_bound(
        records.begin(), records.end(), offset,
        [](const record_view& each, record_offset wanted) { return each.offset < wanted; });
    return found == records.end() || found->offset != offset ? nullptr : &*found;
  }
  bool is_exhausted() const { return left.empty() && next_bad() == nullptr; }
  /// The records that are left before the next bad one.
  std::span<const record_view> left_before_bad() const {
    const auto* first_bad = next_bad();
    if (first_bad == nullptr) return left;
    const auto end = std::find_if(left.begin(), left.end(), [first_bad](const record_view& r) {
      return r.offset >= first_bad->first;
    });
    return left.first(static_cast<std::size_t>(end - left.begin()));
  }
  /// The first `count` records that are left have been processed.
  void take_off(std::size_t count) {
    if (count != 0) next = left[count - 1].offset + 1;
    left = left.subspan(count);
    skip_to_next_batch();
  }
  /// The next record is a bad one, and has been rejected.
  void take_off_bad(record_offset offset) {
    if (!left.empty() && left.front().offset == offset) left = left.subspan(1);
    next = offset + 1;
    skip_to_next_batch();
  }
  void skip_to_next_batch() {
    if (is_exhausted()) next = batch.next().value_or(next);
  }
};

}  // namespace cloudflow::runtime
