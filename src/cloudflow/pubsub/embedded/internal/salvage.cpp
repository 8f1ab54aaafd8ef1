#include "cloudflow/pubsub/embedded/internal/creation.hpp"
#include "cloudflow/pubsub/embedded/internal/robust_scan.hpp"
#include "cloudflow/pubsub/embedded/internal/table_end.hpp"
#include "cloudflow/pubsub/embedded/internal/topic_codec.hpp"
#include "cloudflow/pubsub/embedded/internal/topics.hpp"
#include "cloudflow/pubsub/embedded/upkeep.hpp"

#include <fmt/format.h>
#include <rocksdb/file_system.h>

#include <algorithm>

namespace cloudflow::pubsub::embedded {
namespace {

constexpr std::size_t chunk_bytes = 4 * 1024 * 1024;

/// Writes to the new log in large pieces.
class copier {
public:
  explicit copier(storage& to) : to_(to) {}

  void put(family where, std::string_view key, std::string_view value, std::uint64_t records = 0) {
    changes_.put(where, key, value);
    bytes_ += key.size() + value.size();
    records_ += records;
    if (bytes_ >= chunk_bytes) flush(/*sync=*/false);
  }
  result<void> finish() {
    flush(/*sync=*/true);
    if (failure_) return *std::move(failure_);
    return {};
  }

private:
  void flush(bool sync) {
    if (failure_) return;
    if (auto done = to_.write(changes_, sync, records_); !done) failure_ = done.error().why;
    changes_.clear();
    bytes_ = records_ = 0;
  }

  storage& to_;
  write_set changes_;
  std::size_t bytes_ = 0;
  std::uint64_t records_ = 0;
  std::optional<error> failure_;
};

/// One partition on its way from the old log to the new one.
struct moved_partition {
  topic_partition source;
  record_offset first, old_next, new_next;
  timestamp latest = timestamp::min();
  std::uint64_t bytes = 0;
  std::int64_t records = 0;
  struct gap {
    record_offset at;
    std::int64_t size;
  };
  std::vector<gap> gaps;

  record_offset moved(record_offset offset) const {
    auto to = offset;
    for (const auto& each : gaps)
      to = to + -std::clamp<std::int64_t>(offset - each.at, 0, each.size);
    return std::min(to, new_next);
  }
};

class salvaging {
public:
  salvaging(const database& from, storage& to, salvage_report& report)
    : from_(from), copier_(to), report_(report) {}

  result<void> run() {
    copy_topics();
    copy_records();
    copy_positions();
    for (const auto which : {family::state, family::schemas})
      note_gaps(which, scan_around(from_, which, [&](std::string_view key, std::string_view value) {
                  copier_.put(which, key, value);
                  return true;
                }));
    CLOUDFLOW_TRY(copier_.finish());
    summarize();
    return {};
  }

private:
  void copy_topics() {
    std::map<partition_key_bytes, log_place> firsts;
    const auto gaps =
        scan_around(from_, family::meta, [&](std::string_view key, std::string_view value) {
          if (key.starts_with(first_prefix)) {
            byte_reader in{value};
            log_place first;
            first.offset =
                record_offset{static_cast<std::int64_t>(in.get_big_endian<std::uint64_t>())};
            first.bytes = in.get_big_endian<std::uint64_t>();
            if (in.complete()) firsts[std::string{key.substr(first_prefix.size())}] = first;
            copier_.put(family::meta, key, value);
          } else if (key.starts_with(topic_prefix)) {
            copy_topic(key, value);
          }
          return true;
        });
    note_gaps(family::meta, gaps);
    for (const auto& [key, first] : firsts) {
      const auto at = partitions_.find(key);
      if (at == partitions_.end()) continue;
      at->second.first = at->second.old_next = at->second.new_next = first.offset;
      at->second.bytes = first.bytes;
    }
  }

  void copy_topic(std::string_view key, std::string_view value) {
    const auto name = key.substr(topic_prefix.size());
    const auto topic = decode_topic(name, value);
    if (!topic) {
      report_.notes.push_back(
          fmt::format("topic {}: what it is cannot be read; its records are left out", name));
      return;
    }
    copier_.put(family::meta, key, value);
    for (std::int32_t i = 0; i != topic->spec.partitions; ++i)
      partitions_[partition_prefix({topic->id, partition_id{i}})].source = {std::string{name},
                                                                            partition_id{i}};
  }

  void copy_records() {
    scan_around(from_, family::records, [&](std::string_view key, std::string_view value) {
      const auto at = partitions_.find(std::string{key.substr(0, partition_key_size)});
      if (key.size() < partition_key_size + sizeof(std::uint64_t) || at == partitions_.end())
        return true;
      const auto base = base_of(key);
      const auto header = read_header(value);
      if (header && base >= at->second.old_next && is_readable(base, *header, value))
        copy_batch(at->first, at->second, {base, *header, value});
      return true;
    });
  }

  void copy_batch(std::string_view prefix, moved_partition& to, stored_batch batch) {
    const auto base = batch.base();
    if (base > to.old_next) to.gaps.push_back({to.old_next, base - to.old_next});
    to.old_next = batch.end();
    batch.place(to.new_next, batch.header().appended, to.latest, to.bytes);
    auto key = std::string{prefix};
    byte_writer offset;
    offset.put_big_endian(static_cast<std::uint64_t>(to.new_next.value()));
    key.append(offset.view());
    copier_.put(family::records, key, batch.bytes(),
                static_cast<std::uint64_t>(batch.header().count));
    to.new_next = batch.end();
    to.latest = batch.header().latest;
    to.bytes += batch.bytes().size();
    to.records += batch.header().count;
  }

  void copy_positions() {
    const auto gaps =
        scan_around(from_, family::positions, [&](std::string_view key, std::string_view value) {
          byte_reader in{key};
          const auto group = in.get_text();
          const auto split = in.get_raw(in.remaining());
          const auto next = offset_in(value);
          const auto* partition = find(split);
          if (partition == nullptr || !next) {
            copier_.put(family::positions, key, value);
            return true;
          }
          const auto moved = partition->moved(*next);
          if (moved != *next)
            report_.notes.push_back(fmt::format("group {}: its position in {} moves from {} to {}",
                                                group, to_string(partition->source), next->value(),
                                                moved.value()));
          byte_writer position;
          put_offset(position, moved);
          copier_.put(family::positions, key, position.view());
          return true;
        });
    note_gaps(family::positions, gaps);
  }

  const moved_partition* find(std::string_view split) const {
    for (const auto& [key, partition] : partitions_)
      if (fmt::format("{}/{}", partition.source.topic, partition.source.partition.value()) == split)
        return &partition;
    return nullptr;
  }

  void note_gaps(family which, std::size_t gaps) {
    constexpr std::array what{"records", "topics", "positions", "state", "schemas"};
    if (gaps != 0)
      report_.notes.push_back(
          fmt::format("{}: a part of them cannot be read, and is left out; how much is not known",
                      what[static_cast<std::size_t>(which)]));
  }

  void summarize() {
    for (const auto& [key, partition] : partitions_) {
      report_.partitions.push_back(
          {partition.source, partition.first, partition.new_next, partition.records});
      if (partition.gaps.empty()) continue;
      loss lost{.source = partition.source, .records = 0, .where = {}};
      for (const auto& gap : partition.gaps) {
        lost.records += gap.size;
        lost.where.push_back(
            fmt::format("records {} to {}", gap.at.value(), (gap.at + gap.size).value() - 1));
      }
      report_.records_lost += static_cast<std::uint64_t>(lost.records);
      report_.losses.push_back(std::move(lost));
    }
  }

  using partition_key_bytes = std::string;
  const database& from_;
  copier copier_;
  salvage_report& report_;
  std::map<partition_key_bytes, moved_partition> partitions_;
};

/// Opens it as it is, or else a copy whose manifest RocksDB has rebuilt from the tables and
/// write-ahead logs.
result<std::shared_ptr<database>> open_somehow(const options& from, const environment& env,
                                               const options& work) {
  auto opened = database::open(from, env, access::reading);
  if (opened) return opened;
  auto& files = env.files();
  std::vector<std::string> names;
  auto status = files.GetChildren(from.directory.string(), {}, &names, nullptr);
  if (status.ok()) status = files.CreateDirIfMissing(work.directory.string(), {}, nullptr);
  if (!status.ok()) return to_error(status, from.directory);
  for (const auto& name : names) {
    if (!is_ours(name) || name == "LOCK") continue;
    std::string content;
    const auto source = (from.directory / name).string();
    // What cannot be read is left out, and what RocksDB must not read.
    if (name.ends_with(".sst") && !are_properties_intact(files, source)) continue;
    if (!rocksdb::ReadFileToString(&files, source, &content).ok()) continue;
    status = rocksdb::WriteStringToFile(&files, slice(content), (work.directory / name).string());
    if (!status.ok()) return to_error(status, work.directory);
  }
  CLOUDFLOW_TRY(database::rebuild(work, env));
  // Families without records are not found again, and are made.
  return database::open(work, env, access::rebuilt);
}

void count_commits(const database& from, const options& wanted, const environment& env,
                   salvage_report& report) {
  const auto recovered = recovered_count(from, wanted.directory);
  const auto known = commit_page::read(env.files(), wanted.directory);
  if (!recovered || !known || !known->count) {
    report.notes.emplace_back("How many of the newest commits are missing is not known.");
    return;
  }
  if (known->count->commits > recovered->commits)
    report.commits_lost = known->count->commits - recovered->commits;
  // Offsets count all records that a partition has ever had.
  std::uint64_t saved = 0;
  for (const auto& each : report.partitions) saved += static_cast<std::uint64_t>(each.end.value());
  const auto written = std::max(known->count->records, recovered->records);
  const auto in_gaps = report.records_lost;
  report.records_lost = std::max(in_gaps, written - std::min(written, saved));
  if (report.records_lost > in_gaps)
    report.notes.push_back(fmt::format("{} records are missing at the ends of partitions",
                                       report.records_lost - in_gaps));
}

}  // namespace

result<salvage_report> salvage(const options& from, const std::filesystem::path& to) {
  const environment env{from};
  auto& files = env.files();
  auto target = from, work = from;
  target.directory = to;
  target.read_only = false;
  work.directory = to;
  work.directory += ".rebuilt";
  if (files.FileExists(to.string(), {}, nullptr).ok())
    return error{errc::failed,
                 fmt::format("{}: is there already. Name a new directory.", to.string())};
  if (!files.FileExists(from.directory.string(), {}, nullptr).ok())
    return error{errc::failed, fmt::format("There is no log in {}.", from.directory.string())};
  const auto lock = CLOUDFLOW_TRY(directory_lock::take(files, from.directory));
  salvage_report report;
  result<void> done;
  {
    const auto opened = CLOUDFLOW_TRY(open_somehow(from, env, work));
    if (const auto known = check_format(*opened, from.directory);
        !known && known.error().code == errc::unsupported)
      return known.error();
    auto made = CLOUDFLOW_TRY(storage::open(target, [](const storage&) { return result<void>{}; }));
    done = salvaging{*opened, *made, report}.run();
    count_commits(*opened, from, env, report);
  }
  if (files.FileExists(work.directory.string(), {}, nullptr).ok())
    CLOUDFLOW_TRY(remove_tree(work, env));
  if (!done) return std::move(done).error();
  return report;
}

}  // namespace cloudflow::pubsub::embedded
