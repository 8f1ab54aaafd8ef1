#pragma once

#include "cloudflow/base/result.hpp"
#include "cloudflow/pubsub/backend.hpp"

#include <cstddef>
#include <vector>

namespace cloudflow::operate {

/// Reads one partition from one offset to before another, a batch at a time. Confined to one
/// thread; `log` outlives it.
class partition_reader {
public:
  partition_reader(const pubsub::backend& log, pubsub::topic_partition source, record_offset from,
                   record_offset to)
    : log_(&log), source_(std::move(source)), next_(from), to_(to) {}

  /// The record at hand; null behind the last one. Valid until advance(). Reads the next batch when
  /// it has to.
  result<const record_view*> current();
  void advance() noexcept { ++index_; }
  const pubsub::topic_partition& source() const noexcept { return source_; }

private:
  const pubsub::backend* log_;
  pubsub::topic_partition source_;
  record_offset next_, to_;
  pubsub::record_batch batch_;
  std::size_t index_ = 0;
};

/// Several partitions as one sequence: always the record that was appended first. Confined to one
/// thread.
class merged_reader {
public:
  explicit merged_reader(std::vector<partition_reader> parts) : parts_(std::move(parts)) {}

  /// The partition whose record comes next; null when all are at their end.
  result<partition_reader*> next();

private:
  std::vector<partition_reader> parts_;
};

}  // namespace cloudflow::operate
