#include "cloudflow/pubsub/embedded/internal/reader.hpp"

#include <fmt/format.h>

namespace cloudflow::pubsub::embedded {
namespace {

// What one visit to the disk brings: enough to make the price of the visit small, little enough to
// hold for many partitions.
constexpr std::size_t read_ahead = 1024 * 1024;

error corrupt(const partition_log& partition, record_offset at) {
  return {
      errc::corrupt,
      fmt::format("{}: the records at offset {} are not what was written. `state salvage` copies "
                  "what can be read to a new log and says what is lost.",
                  to_string(partition.source()), at.value())};
}

struct batch_place {
  record_offset base, end;
  timestamp appended, latest;
};

/// The batch that holds `offset`; none when it has been deleted.
result<std::optional<batch_place>> batch_at(const storage& disk, const partition_log& partition,
                                            record_offset offset) {
  const auto prefix = partition_prefix(partition.key());
  std::optional<batch_place> found;
  bool is_corrupt = false;
  auto scanned = disk.scan_from_floor(
      family::records, batch_key(partition.key(), offset),
      [&](std::string_view key, std::string_view value) {
        if (!key.starts_with(prefix) || base_of(key) > offset) return false;
        const auto header = read_header(value);
        is_corrupt = !header;
        if (header)
          found = {base_of(key), base_of(key) + header->count, header->appended, header->latest};
        return false;
      });
  if (is_corrupt) return corrupt(partition, offset);
  if (!scanned) return std::move(scanned).error();
  if (found && found->end <= offset) found.reset();
  return found;
}

}  // namespace

result<record_batch> partition_reader::fetch(fetch_limits limits) {
  CLOUDFLOW_TRY(check_range());
  batch_builder builder;
  fetch_budget budget{.records = limits.max_records, .bytes = limits.max_bytes};
  const auto end = partition_->range().end;
  while (next_ < end) {
    if (pending_.empty()) {
      CLOUDFLOW_TRY(refill());
    }
    at_.next = next_;
    const auto outcome = builder.add(pending_.front(), at_, budget);
    if (outcome == batch_builder::outcome::corrupt)
      return corrupt(*partition_, pending_.front()->base());
    next_ = at_.next;
    if (outcome == batch_builder::outcome::limit_reached) break;
    pending_.pop_front();
    at_ = {};
  }
  return std::move(builder).finish();
}

void partition_reader::seek(record_offset next) {
  next_ = next;
  pending_.clear();
  at_ = {};
}

result<void> partition_reader::check_range() const {
  const auto range = partition_->range();
  if (next_ < range.first || next_ > range.end) return out_of_range(range);
  return {};
}

result<void> partition_reader::refill() {
  partition_->from_tail(next_, read_ahead, pending_);
  if (!pending_.empty()) return {};
  CLOUDFLOW_TRY(load());
  if (!pending_.empty() && pending_.front()->base() <= next_ && next_ < pending_.front()->end())
    return {};
  pending_.clear();
  // Retention has moved the beginning since we looked, or bytes are missing.
  CLOUDFLOW_TRY(check_range());
  return corrupt(*partition_, next_);
}

result<void> partition_reader::load() {
  const auto prefix = partition_prefix(partition_->key());
  const auto end = partition_->range().end;
  std::size_t bytes = 0;
  bool is_corrupt = false;
  auto scanned = disk_->scan_from_floor(
      family::records, batch_key(partition_->key(), next_),
      [&](std::string_view key, std::string_view value) {
        if (!key.starts_with(prefix)) return key < prefix;  // the floor may be another partition's
        const auto base = base_of(key);
        if (base >= end) return false;  // written, but not visible yet
        const auto header = read_header(value);
        if (!header) {
          is_corrupt = true;
          return false;
        }
        if (base + header->count > next_)
          pending_.push_back(std::make_shared<const stored_batch>(base, *header, value));
        bytes += value.size();
        return bytes < read_ahead;
      });
  if (is_corrupt) return corrupt(*partition_, next_);
  return scanned;
}

error partition_reader::out_of_range(const partition_range& range) const {
  return {errc::offset_out_of_range,
          fmt::format("{}: offset {} is not in the log, which holds {} to {}; `offsets set` moves "
                      "the streamlet to one that is.",
                      to_string(partition_->source()), next_.value(), range.first.value(),
                      range.end.value())};
}

// -- by time --------------------------------------------------------------------------------------

namespace {

/// The first batch from `from` on that was appended at that time or later. Reads all that lie
/// between.
result<record_offset> scan_for(const storage& disk, const partition_log& partition,
                               record_offset from, timestamp at) {
  const auto prefix = partition_prefix(partition.key());
  auto found = partition.range().end;
  std::optional<error> problem;
  auto scanned = disk.scan(family::records, batch_key(partition.key(), from),
                           [&](std::string_view key, std::string_view value) {
                             if (!key.starts_with(prefix) || base_of(key) >= found) return false;
                             const auto header = read_header(value);
                             if (!header) problem = corrupt(partition, base_of(key));
                             if (header && header->appended < at) return true;
                             found = base_of(key);
                             return false;
                           });
  if (problem) return *std::move(problem);
  if (!scanned) return std::move(scanned).error();
  return found;
}

}  // namespace

result<record_offset> find_offset_at(const storage& disk, const partition_log& partition,
                                     timestamp at) {
  const auto first = partition.range().first;
  auto [low, high] = partition.range();
  while (low < high) {
    const auto middle = low + (high - low) / 2;
    const auto found = CLOUDFLOW_TRY(batch_at(disk, partition, middle));
    if (found && found->latest >= at)
      high = std::max(low, found->base);
    else
      low = found ? found->end : middle + 1;  // none: retention has just deleted it
  }
  // Where the batch that was the latest has been deleted, those behind it are taken for late ones.
  return low == first ? scan_for(disk, partition, first, at) : result<record_offset>{low};
}

}  // namespace cloudflow::pubsub::embedded
