#include "cloudflow/pubsub/embedded/internal/retention.hpp"

namespace cloudflow::pubsub::embedded {
namespace {

using namespace std::chrono_literals;

// More than a slewed clock is off between two looks, and less than what retention is counted in.
constexpr auto most_drift = 1min;
// A clock that was set, and a computer that was asleep, is believed after this long.
constexpr auto believed_after = 1h;

struct stored {
  timestamp appended;
  std::uint64_t bytes_after = 0;  // of the partition, behind this batch
};

bool is_expired(const stored& batch, const topic_rules& rules, timestamp now) {
  return (rules.retention_time && now - batch.appended > *rules.retention_time) ||
         (rules.retention_bytes && batch.bytes_after >= *rules.retention_bytes);
}

}  // namespace

bool clock_check::agrees() {
  const auto now = offset();
  if (std::chrono::abs(now - offset_) > most_drift) jumped_at_ = time_.monotonic();
  offset_ = now;
  return !jumped_at_ || time_.monotonic() - *jumped_at_ >= believed_after;
}

result<maintenance> retention::run() {
  maintenance done;
  done.is_time_believed = clocks_.agrees();
  CLOUDFLOW_TRY(log_.resume_parked());
  write_set changes;
  for (const auto* topic : topics_.all()) {
    auto rules = topic->rules();
    if (!done.is_time_believed) rules.retention_time.reset();
    if (!rules.retention_time && !rules.retention_bytes) continue;
    for (std::int32_t i = 0; i != topic->partition_count(); ++i) {
      CLOUDFLOW_TRY(trim(topic->partition(partition_id{i}), rules, changes, done));
    }
  }
  if (done.records_deleted == 0) return done;
  CLOUDFLOW_TRY(log_.write_alone(changes));
  return done;
}

result<void> retention::trim(partition_log& partition, const topic_rules& rules, write_set& changes,
                             maintenance& done) {
  const auto first = partition.first();
  const auto kept = CLOUDFLOW_TRY(keep_from(partition, rules));
  if (kept.offset == first.offset || !partition.advance_first(kept)) return {};
  byte_writer place;
  place.put_big_endian(static_cast<std::uint64_t>(kept.offset.value()));
  place.put_big_endian(kept.bytes);
  changes.put(family::meta, first_key(partition.key()), place.view());
  auto range =
      key_range{batch_key(partition.key(), first.offset), batch_key(partition.key(), kept.offset)};
  changes.erase_range(family::records, range.first, range.end);
  erased_.push_back(std::move(range));
  done.records_deleted += kept.offset - first.offset;
  done.bytes_deleted += kept.bytes - first.bytes;
  return {};
}

result<log_place> retention::keep_from(const partition_log& partition,
                                       const topic_rules& rules) const {
  const auto end = partition.end();
  const auto slowest = partition.slowest_reader();
  const auto unread = slowest ? std::min(slowest->next, end.offset) : end.offset;
  const auto prefix = partition_prefix(partition.key());
  const auto now = time_.now();
  auto kept = partition.first();
  auto scanned =
      disk_.scan(family::records, batch_key(partition.key(), kept.offset),
                 [&](std::string_view key, std::string_view value) {
                   const auto header = read_header(value);
                   if (!key.starts_with(prefix) || !header) return false;
                   const auto after =
                       log_place{base_of(key) + header->count, header->bytes_before + value.size()};
                   if (after.offset > unread) return false;
                   if (!is_expired({header->appended, end.bytes - after.bytes}, rules, now))
                     return false;
                   kept = after;
                   return true;
                 });
  if (!scanned) return std::move(scanned).error();
  return kept;
}

}  // namespace cloudflow::pubsub::embedded
