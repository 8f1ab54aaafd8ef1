#pragma once

#include "cloudflow/pubsub/embedded/internal/storage.hpp"
#include "cloudflow/pubsub/embedded/internal/topics.hpp"

#include <deque>

namespace cloudflow::pubsub::embedded {

/// Reads one partition in order, from memory while it follows closely, else from the disk. Confined
/// to one thread; refers to both arguments.
class partition_reader {
public:
  partition_reader(const storage& disk, const partition_log& partition, record_offset next)
    : disk_(&disk), partition_(&partition), next_(next) {}

  /// The next records that are visible; empty at the end. `offset_out_of_range` names what there
  /// is.
  result<record_batch> fetch(fetch_limits limits);
  void seek(record_offset next);
  record_offset next() const noexcept { return next_; }

private:
  result<void> check_range() const;
  result<void> refill();
  result<void> load();
  error out_of_range(const partition_range& range) const;

  const storage* disk_;
  const partition_log* partition_;
  record_offset next_;
  std::deque<batch_ptr> pending_;  // the front one holds next_
  batch_builder::cursor at_;       // in the front one
};

/// The first visible record that was appended at that time or later, or the end. Reads a few
/// batches.
result<record_offset> find_offset_at(const storage& disk, const partition_log& partition,
                                     timestamp at);

}  // namespace cloudflow::pubsub::embedded
