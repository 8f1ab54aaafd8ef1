#include "cloudflow/pubsub/embedded/internal/database.hpp"
#include "cloudflow/pubsub/embedded/internal/keys.hpp"
#include "cloudflow/pubsub/embedded/internal/log_file.hpp"
#include "cloudflow/pubsub/embedded/internal/tables.hpp"
#include "cloudflow/pubsub/embedded/internal/torn_manifest.hpp"

#include <fmt/format.h>
#include <rocksdb/file_system.h>

#include <algorithm>

namespace cloudflow::pubsub::embedded {
namespace {

// What is read on opening to see that it is right; a log opens in well below a second all the same.
constexpr std::uint64_t most_checked_bytes = 128 * 1024 * 1024;

result<std::optional<std::string>> get_meta(const database& from, std::string_view key,
                                            const std::filesystem::path& directory) {
  std::string value;
  const auto status = from->Get({}, from.handle(family::meta), slice(key), &value);
  if (status.IsNotFound()) return std::optional<std::string>{};
  if (!status.ok()) return to_error(status, directory);
  return std::optional{std::move(value)};
}

}  // namespace

result<void> check_format(const database& opened, const std::filesystem::path& directory) {
  const auto found = CLOUDFLOW_TRY(get_meta(opened, format_key, directory));
  if (!found) return damaged(directory, "it does not say which format it has");
  if (*found == format_version) return {};
  return error{
      errc::unsupported,
      fmt::format(
          "The log in {} has format {}, and this program reads format {} only: use the program "
          "that "
          "wrote it, give another directory with --state, or forget the log with `run --fresh`; "
          "nothing was changed.",
          directory.string(), *found, format_version)};
}

namespace {

/// Blocks are checked whenever they are read; a small log is read as a whole before it is used.
/// RocksDB opens a table whose properties it cannot read, and then misreads the table: those are
/// read of all.
result<void> check_tables(const database& opened, const options& wanted, const environment& env) {
  const auto bad = CLOUDFLOW_TRY(find_bad_tables(opened, wanted, env, most_checked_bytes));
  if (!bad.empty()) return damaged(wanted.directory, bad.front().what);
  for (auto* each : opened.handles()) {
    rocksdb::TablePropertiesCollection all;
    const auto status = opened->GetPropertiesOfAllTables(each, &all);
    if (!status.ok()) return to_error(status, wanted.directory);
  }
  return {};
}

}  // namespace

result<commit_count> recovered_count(const database& opened,
                                     const std::filesystem::path& directory) {
  const auto found = CLOUDFLOW_TRY(get_meta(opened, commits_key, directory));
  const auto count = found ? count_in(*found) : std::nullopt;
  if (!count) return damaged(directory, "it does not say how many commits it has");
  return *count;
}

namespace {

error cut(const std::filesystem::path& directory, const commit_count& recovered,
          const commit_count& known) {
  return damaged(
      directory,
      fmt::format(
          "it can be read up to commit {} only, and commit {} was acknowledged: {} commits with {} "
          "records are lost",
          recovered.commits, known.commits, known.commits - recovered.commits,
          known.records - std::min(known.records, recovered.records)));
}

/// A manifest that ends too early is taken by RocksDB for the whole.
result<void> check_manifest(const commit_page::manifest& known, const options& wanted,
                            const environment& env) {
  const auto& directory = wanted.directory;
  const auto current = CLOUDFLOW_TRY(find_manifest(wanted, env));
  const auto& [name, number] = current;
  // A newer one: the process was killed when it opened the log.
  if (number > known.number) return {};
  if (number < known.number)
    return damaged(directory, fmt::format("its file CURRENT names {}, and number {} is newer", name,
                                          known.number));
  const auto found =
      CLOUDFLOW_TRY(scan_log_file(env.files(), (directory / name).string(), directory));
  if (found.intact_bytes >= known.bytes) return {};
  return damaged(directory, fmt::format("its file {} can be read up to byte {} only, and {} were "
                                        "written",
                                        name, found.intact_bytes, known.bytes));
}

/// Each commit is synced before the next begins: a loss of power leaves no record behind one that
/// it has torn.
result<void> check_write_ahead_logs(const options& wanted, const environment& env) {
  const auto& directory = wanted.directory;
  std::vector<std::string> names;
  const auto status = env.files().GetChildren(directory.string(), {}, &names, nullptr);
  if (!status.ok()) return to_error(status, directory);
  std::sort(names.begin(), names.end());
  for (const auto& name : names) {
    if (!name.ends_with(".log")) continue;
    const auto found =
        CLOUDFLOW_TRY(scan_log_file(env.files(), (directory / name).string(), directory));
    if (found.has_records_behind)
      return damaged(directory, fmt::format("its write-ahead log {} is not what was written from "
                                            "byte {} on, in front of records that can be read",
                                            name, found.intact_bytes));
  }
  return {};
}

}  // namespace

result<inspection> inspect(const database& opened, const options& wanted, const environment& env) {
  const auto& directory = wanted.directory;
  CLOUDFLOW_TRY(check_format(opened, directory));
  CLOUDFLOW_TRY(check_tables(opened, wanted, env));
  const auto recovered = CLOUDFLOW_TRY(recovered_count(opened, directory));
  const auto known = CLOUDFLOW_TRY(commit_page::read(env.files(), directory));
  if (known.tables) CLOUDFLOW_TRY(check_manifest(*known.tables, wanted, env));
  inspection found{.recovered = recovered, .notes = {}};
  if (!known.count)
    found.notes.push_back(
        fmt::format("The log in {} is whole up to commit {}. Whether later ones are missing is not "
                    "known: its file {} is missing "
                    "or damaged. It is made again.",
                    directory.string(), recovered.commits, commit_page::file_name));
  else if (known.count->commits > recovered.commits)
    return cut(directory, recovered, *known.count);
  else if (known.count->commits + 1 < recovered.commits)
    found.notes.push_back(fmt::format(
        "The log in {} is whole up to commit {}. Whether later ones are missing is not known: its "
        "file {} is older, as "
        "after a loss of power, and knows of commit {}.",
        directory.string(), recovered.commits, commit_page::file_name, known.count->commits));
  // What was not synced may lie on the disk in any order.
  if (wanted.sync_commits) CLOUDFLOW_TRY(check_write_ahead_logs(wanted, env));
  return found;
}

result<inspection> inspect(const options& wanted, const environment& env) {
  auto opened = CLOUDFLOW_TRY(database::open(wanted, env, access::reading));
  return inspect(*opened, wanted, env);
}

}  // namespace cloudflow::pubsub::embedded
