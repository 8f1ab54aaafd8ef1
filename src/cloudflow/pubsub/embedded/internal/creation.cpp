#include "cloudflow/pubsub/embedded/internal/creation.hpp"

#include <fmt/format.h>
#include <rocksdb/file_system.h>

#include <algorithm>

namespace cloudflow::pubsub::embedded {
namespace {

constexpr const char* making_suffix = ".making";

bool is_number(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_numbered(std::string_view name, std::string_view prefix, std::string_view suffix = {}) {
  return name.starts_with(prefix) && name.ends_with(suffix) &&
         name.size() > prefix.size() + suffix.size() &&
         is_number(name.substr(prefix.size(), name.size() - prefix.size() - suffix.size()));
}

rocksdb::IOStatus sync_directory(rocksdb::FileSystem& files, const std::filesystem::path& path) {
  std::unique_ptr<rocksdb::FSDirectory> opened;
  const auto name = path.empty() ? std::string{"."} : path.string();
  auto status = files.NewDirectory(name, {}, &opened, nullptr);
  return status.ok() ? opened->Fsync({}, nullptr) : status;
}

/// Removes the files of a log, the lock last, and the directory if nothing else is in it. Returns
/// the names that stay.
result<std::vector<std::string>> remove_ours(rocksdb::FileSystem& files,
                                             const std::filesystem::path& directory) {
  std::vector<std::string> names, foreign;
  auto status = files.GetChildren(directory.string(), {}, &names, nullptr);
  if (!status.ok()) return to_error(status, directory);
  std::sort(names.begin(), names.end());
  const auto remove = [&](const std::string& name) {
    return files.DeleteFile((directory / name).string(), {}, nullptr);
  };
  bool has_lock = false;
  for (const auto& name : names) {
    if (name == "." || name == "..") continue;
    if (!is_ours(name)) {
      foreign.push_back(name);
    } else if (name == "LOCK") {
      has_lock = true;
    } else if (status = remove(name); !status.ok()) {
      return to_error(status, directory);
    }
  }
  if (has_lock)
    if (status = remove("LOCK"); !status.ok()) return to_error(status, directory);
  if (foreign.empty())
    if (status = files.DeleteDir(directory.string(), {}, nullptr); !status.ok())
      return to_error(status, directory);
  return foreign;
}

result<std::vector<std::string>> remove_unlocked(rocksdb::FileSystem& files,
                                                 const std::filesystem::path& directory) {
  const auto lock = CLOUDFLOW_TRY(directory_lock::take(files, directory));
  return remove_ours(files, directory);
}

result<void> fill(const options& making, const environment& env) {
  auto opened = CLOUDFLOW_TRY(database::open(making, env, access::making));
  write_set changes;
  byte_writer none;
  put_count(none, {});
  changes.put(family::meta, format_key, format_version);
  changes.put(family::meta, commits_key, none.view());
  rocksdb::WriteOptions how;
  how.sync = true;
  const auto status = (*opened)->Write(how, &changes.parts().batch);
  if (!status.ok()) return to_error(status, making.directory);
  CLOUDFLOW_TRY(commit_page::open(env.files(), making.directory, {}));
  return {};
}

/// Nobody but the owner reads what is in a log.
result<void> make_directory(const options& making, rocksdb::FileSystem& files) {
  const auto status = files.CreateDirIfMissing(making.directory.string(), {}, nullptr);
  if (!status.ok()) return to_error(status, making.directory);
  if (making.file_system) return {};
  std::error_code failed;
  std::filesystem::permissions(making.directory, std::filesystem::perms::owner_all, failed);
  if (failed)
    return error{errc::failed, fmt::format("{}: cannot be closed to others: {}",
                                           making.directory.string(), failed.message())};
  return {};
}

bool exists(rocksdb::FileSystem& files, const std::filesystem::path& path) {
  return files.FileExists(path.string(), {}, nullptr).ok();
}

}  // namespace

bool is_ours(std::string_view name) {
  for (const std::string_view each : {"CURRENT", "LOCK", "IDENTITY", "LOG", commit_page::file_name})
    if (name == each) return true;
  return is_numbered(name, "LOG.old.") || is_numbered(name, "MANIFEST-") ||
         is_numbered(name, "OPTIONS-") || is_numbered(name, "OPTIONS-", ".dbtmp") ||
         is_numbered(name, "", ".sst") || is_numbered(name, "", ".log") ||
         is_numbered(name, "", ".dbtmp");
}

result<bool> make_if_absent(const options& wanted, const environment& env) {
  auto& files = env.files();
  if (exists(files, wanted.directory)) return false;
  auto making = wanted;
  making.directory += making_suffix;
  if (exists(files, making.directory)) CLOUDFLOW_TRY(remove_unlocked(files, making.directory));
  CLOUDFLOW_TRY(make_directory(making, files));
  CLOUDFLOW_TRY(fill(making, env));
  auto status = sync_directory(files, making.directory);
  if (status.ok())
    status = files.RenameFile(making.directory.string(), wanted.directory.string(), {}, nullptr);
  if (status.ok()) status = sync_directory(files, wanted.directory.parent_path());
  if (!status.ok()) return to_error(status, wanted.directory);
  return true;
}

result<void> remove_tree(const options& wanted, const environment& env) {
  auto& files = env.files();
  std::vector<std::string> names;
  auto status = files.GetChildren(wanted.directory.string(), {}, &names, nullptr);
  for (const auto& name : names) {
    if (!status.ok() || name == "." || name == "..") continue;
    auto inner = wanted;
    inner.directory /= name;
    bool is_directory = false;
    status = files.IsDirectory(inner.directory.string(), {}, &is_directory, nullptr);
    if (status.ok() && is_directory) {
      CLOUDFLOW_TRY(remove_tree(inner, env));
    } else if (status.ok()) {
      status = files.DeleteFile(inner.directory.string(), {}, nullptr);
    }
  }
  if (status.ok()) status = files.DeleteDir(wanted.directory.string(), {}, nullptr);
  if (!status.ok()) return to_error(status, wanted.directory);
  return {};
}

result<removal> remove(const options& wanted) {
  const environment env{wanted};
  auto& files = env.files();
  removal done;
  auto making = wanted.directory;
  making += making_suffix;
  for (const auto& directory : {making, wanted.directory}) {
    if (!exists(files, directory)) continue;
    auto foreign = CLOUDFLOW_TRY(remove_unlocked(files, directory));
    for (const auto& name : foreign) done.foreign.push_back(directory / name);
    // The next log is made where the files of others lie, and moves back with them.
    if (directory != wanted.directory || foreign.empty()) continue;
    const auto status = files.RenameFile(directory.string(), making.string(), {}, nullptr);
    if (!status.ok()) return to_error(status, directory);
  }
  return done;
}

}  // namespace cloudflow::pubsub::embedded
