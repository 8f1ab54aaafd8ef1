#include "cloudflow/pubsub/embedded/internal/recovery.hpp"
#include "cloudflow/pubsub/embedded/internal/tables.hpp"
#include "cloudflow/pubsub/embedded/upkeep.hpp"

#include <fmt/format.h>
#include <rocksdb/file_system.h>

#include <limits>

namespace cloudflow::pubsub::embedded {
namespace {

/// Reads each batch of a partition to its last record.
result<void> check_partition(const storage& disk, const partition_log& partition,
                             check_report& report) {
  const auto prefix = partition_prefix(partition.key());
  const auto range = partition.range();
  partition_summary summary{partition.source(), range.first, range.end, 0};
  auto next = range.first;
  auto scanned = disk.scan(family::records, batch_key(partition.key(), range.first),
                           [&](std::string_view key, std::string_view value) {
                             if (!key.starts_with(prefix)) return false;
                             const auto base = base_of(key);
                             if (base != next)
                               report.problems.push_back(fmt::format(
                                   "{}: records {} to {} are missing.", to_string(summary.source),
                                   next.value(), base.value() - 1));
                             const auto header = read_header(value);
                             if (!header || !is_readable(base, *header, value)) {
                               report.problems.push_back(fmt::format(
                                   "{}: the records at offset {} are not what was written.",
                                   to_string(summary.source), base.value()));
                               return header.has_value();
                             }
                             summary.records += header->count;
                             next = base + header->count;
                             return true;
                           });
  report.partitions.push_back(std::move(summary));
  return scanned;
}

result<void> check_contents(const storage& disk, const options& where, check_report& report) {
  const auto topics = CLOUDFLOW_TRY(recover(disk, where));
  for (const auto* topic : topics->all())
    for (std::int32_t i = 0; i != topic->partition_count(); ++i) {
      auto done = check_partition(disk, topic->partition(partition_id{i}), report);
      if (!done) return done;
    }
  return {};
}

/// Damage is what it looks for.
result<void> note(check_report& report, error e) {
  if (e.code != errc::corrupt && e.code != errc::unsupported) return e;
  report.problems.push_back(std::move(e.message));
  return {};
}

}  // namespace

result<check_report> check(const options& where) {
  auto looking = where;
  looking.read_only = true;
  check_report report;
  const environment env{looking};
  if (!env.files().FileExists(looking.directory.string(), {}, nullptr).ok())
    return error{errc::failed, fmt::format("There is no log in {}.", looking.directory.string())};
  const auto lock = CLOUDFLOW_TRY(directory_lock::take(env.files(), looking.directory));
  {
    const auto opened = database::open(looking, env, access::reading);
    if (!opened) {
      CLOUDFLOW_TRY(note(report, opened.error()));
      return report;
    }
    const auto found = inspect(**opened, looking, env);
    if (!found) {
      CLOUDFLOW_TRY(note(report, found.error()));
    } else {
      report.notes = found->notes;
      report.commits = found->recovered.commits;
      report.records = found->recovered.records;
    }
    const auto bad = CLOUDFLOW_TRY(
        find_bad_tables(**opened, looking, env, std::numeric_limits<std::uint64_t>::max()));
    for (const auto& table : bad)
      report.problems.push_back(fmt::format("The log: {}.", table.what));
  }
  auto disk = storage::open_locked(looking);
  // Refused: then the reason stands in the report already.
  if (!disk) return report;
  if (auto done = check_contents(**disk, looking, report); !done)
    CLOUDFLOW_TRY(note(report, done.error()));
  return report;
}

}  // namespace cloudflow::pubsub::embedded
