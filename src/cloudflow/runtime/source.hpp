#pragma once

#include "cloudflow/runtime/input.hpp"
#include "cloudflow/runtime/schema_reader.hpp"

#include <atomic>
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
  bool is_leaving = false;             ///< is released when nothing of it is left to commit

  pubsub::record_batch batch;
  std::span<const record_view> left;  ///< of `batch`
  schema_reader::scratch decoded;
  /// A record that makes the author's code throw, and what it threw.
  std::optional<std::pair<record_offset, std::string>> poison;

  bool has_moved() const noexcept { return next != submitted; }
  void submit() noexcept { submitted = next; }
  void settle() noexcept {
    committed = submitted;
    position.store(committed.value(), std::memory_order_release);
  }
  void rewind() {
    batch = {};
    left = {};
    next = submitted = committed;
    from->seek(at, committed).ignore("the next take reports it");
  }
  /// The first `count` records that are left have been processed.
  void take_off(std::size_t count) noexcept {
    if (count != 0) next = left[count - 1].offset + 1;
    left = left.subspan(count);
    if (left.empty()) next = batch.next().value_or(next);  // behind what could not be converted
  }
};

}  // namespace cloudflow::runtime
