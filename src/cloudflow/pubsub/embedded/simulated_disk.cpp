#include "cloudflow/pubsub/embedded/simulated_disk.hpp"

#include "cloudflow/pubsub/embedded/internal/simulated_state.hpp"

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

namespace cloudflow::pubsub::embedded {
namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

IOStatus powerless() { return IOStatus::IOError("the power is off"); }
IOStatus missing(const std::string& name) { return IOStatus::PathNotFound(name, "no such file"); }

class silent_logger final : public rocksdb::Logger {
public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

class held_lock final : public rocksdb::FileLock {
public:
  explicit held_lock(std::string path) : name(std::move(path)) {}
  const std::string name;
};

}  // namespace

// -- files ----------------------------------------------------------------------------------------

namespace {

IOStatus read_at(const simulated_file& from, std::uint64_t offset, std::size_t n, Slice* out,
                 char* scratch) {
  const auto size = from.content.size();
  const auto at = std::min<std::size_t>(offset, size);
  n = std::min(n, size - at);
  if (n != 0) std::memcpy(scratch, from.content.data() + at, n);
  *out = Slice{scratch, n};
  return IOStatus::OK();
}

}  // namespace

class simulated_disk::files final : public rocksdb::FileSystem {
public:
  files(std::shared_ptr<state> disk, std::uint64_t session)
    : disk_(std::move(disk)), session_(session) {}

  const char* Name() const override { return "simulated disk"; }

  // -- opening ------------------------------------------------------------------------------------

  IOStatus NewSequentialFile(const std::string& name, const FileOptions&,
                             std::unique_ptr<rocksdb::FSSequentialFile>* out,
                             IODebugContext*) override;
  IOStatus NewRandomAccessFile(const std::string& name, const FileOptions&,
                               std::unique_ptr<rocksdb::FSRandomAccessFile>* out,
                               IODebugContext*) override;
  IOStatus NewWritableFile(const std::string& name, const FileOptions&,
                           std::unique_ptr<rocksdb::FSWritableFile>* out, IODebugContext*) override;
  IOStatus NewRandomRWFile(const std::string& name, const FileOptions&,
                           std::unique_ptr<rocksdb::FSRandomRWFile>* out, IODebugContext*) override;
  IOStatus NewDirectory(const std::string& name, const IOOptions&,
                        std::unique_ptr<rocksdb::FSDirectory>* out, IODebugContext*) override;
  IOStatus NewLogger(const std::string&, const IOOptions&, std::shared_ptr<rocksdb::Logger>* out,
                     IODebugContext*) override {
    *out = std::make_shared<silent_logger>();
    return IOStatus::OK();
  }

  // -- entries ------------------------------------------------------------------------------------

  IOStatus FileExists(const std::string& name, const IOOptions&, IODebugContext*) override {
    const std::lock_guard lock{disk_->mutex};
    const bool is_there = find(name) != nullptr || disk_->directories.contains(plain_path(name));
    return is_there ? IOStatus::OK() : IOStatus::NotFound(name);
  }
  IOStatus GetChildren(const std::string& name, const IOOptions&, std::vector<std::string>* out,
                       IODebugContext*) override;
  IOStatus DeleteFile(const std::string& name, const IOOptions&, IODebugContext*) override;
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions&,
                      IODebugContext*) override;
  IOStatus CreateDir(const std::string& name, const IOOptions&, IODebugContext*) override {
    const std::lock_guard lock{disk_->mutex};
    disk_->directories.insert(plain_path(name));
    return IOStatus::OK();
  }
  IOStatus CreateDirIfMissing(const std::string& name, const IOOptions& options,
                              IODebugContext* context) override {
    return CreateDir(name, options, context);
  }
  IOStatus DeleteDir(const std::string& name, const IOOptions&, IODebugContext*) override {
    const std::lock_guard lock{disk_->mutex};
    disk_->directories.erase(plain_path(name));
    return IOStatus::OK();
  }
  IOStatus GetFileSize(const std::string& name, const IOOptions&, std::uint64_t* size,
                       IODebugContext*) override {
    const std::lock_guard lock{disk_->mutex};
    const auto found = find(name);
    if (!found) return missing(name);
    *size = found->content.size();
    return IOStatus::OK();
  }
  IOStatus GetFileModificationTime(const std::string&, const IOOptions&, std::uint64_t* time,
                                   IODebugContext*) override {
    *time = 0;
    return IOStatus::OK();
  }
  IOStatus IsDirectory(const std::string& name, const IOOptions&, bool* is_directory,
                       IODebugContext*) override {
    const std::lock_guard lock{disk_->mutex};
    *is_directory = disk_->directories.contains(plain_path(name));
    return IOStatus::OK();
  }

  // -- the rest -----------------------------------------------------------------------------------

  IOStatus LockFile(const std::string& name, const IOOptions&, rocksdb::FileLock** lock,
                    IODebugContext*) override;
  IOStatus UnlockFile(rocksdb::FileLock* lock, const IOOptions&, IODebugContext*) override;
  IOStatus GetTestDirectory(const IOOptions&, std::string* path, IODebugContext*) override {
    *path = "/test";
    return IOStatus::OK();
  }
  IOStatus GetFreeSpace(const std::string&, const IOOptions&, std::uint64_t* bytes,
                        IODebugContext*) override {
    const std::lock_guard lock{disk_->mutex};
    if (disk_->capacity == 0) return IOStatus::NotSupported("a disk without bound");
    *bytes = disk_->capacity - std::min(disk_->capacity, disk_->used);
    return IOStatus::OK();
  }
  IOStatus GetAbsolutePath(const std::string& path, const IOOptions&, std::string* out,
                           IODebugContext*) override {
    *out = path;
    return IOStatus::OK();
  }

private:
  class sequential_file;
  class random_access_file;
  class writable_file;
  class overwritable_file;
  class open_directory;

  /// @pre the mutex is held
  file_ptr find(const std::string& name) const {
    const auto found = disk_->entries.find(plain_path(name));
    return found == disk_->entries.end() ? nullptr : found->second;
  }

  const std::shared_ptr<state> disk_;
  const std::uint64_t session_;
};

class simulated_disk::files::sequential_file final : public rocksdb::FSSequentialFile {
public:
  sequential_file(std::shared_ptr<state> disk, file_ptr read)
    : disk_(std::move(disk)), file_(std::move(read)) {}
  IOStatus Read(std::size_t n, const IOOptions&, Slice* out, char* scratch,
                IODebugContext*) override {
    const std::lock_guard lock{disk_->mutex};
    auto status = read_at(*file_, at_, n, out, scratch);
    at_ += out->size();
    return status;
  }
  IOStatus Skip(std::uint64_t n) override {
    at_ += n;
    return IOStatus::OK();
  }

private:
  const std::shared_ptr<state> disk_;
  const file_ptr file_;
  std::uint64_t at_ = 0;
};

class simulated_disk::files::random_access_file final : public rocksdb::FSRandomAccessFile {
public:
  random_access_file(std::shared_ptr<state> disk, file_ptr read)
    : disk_(std::move(disk)), file_(std::move(read)) {}
  IOStatus Read(std::uint64_t offset, std::size_t n, const IOOptions&, Slice* out, char* scratch,
                IODebugContext*) const override {
    const std::lock_guard lock{disk_->mutex};
    return read_at(*file_, offset, n, out, scratch);
  }

private:
  const std::shared_ptr<state> disk_;
  const file_ptr file_;
};

class simulated_disk::files::writable_file final : public rocksdb::FSWritableFile {
public:
  writable_file(std::shared_ptr<state> disk, std::uint64_t session, file_ptr written)
    : disk_(std::move(disk)), session_(session), file_(std::move(written)) {}

  using rocksdb::FSWritableFile::Append;
  IOStatus Append(const Slice& data, const IOOptions&, IODebugContext*) override {
    const std::lock_guard lock{disk_->mutex};
    if (!disk_->is_alive(session_)) return powerless();
    if (disk_->capacity != 0 && disk_->used + data.size() > disk_->capacity)
      return IOStatus::NoSpace("the simulated disk is full");
    // First written, then perhaps torn: power goes off in the middle of it.
    file_->content.append(data.data(), data.size());
    disk_->used += data.size();
    return disk_->admit(session_) ? IOStatus::OK() : powerless();
  }
  IOStatus Sync(const IOOptions&, IODebugContext*) override {
    const std::lock_guard lock{disk_->mutex};
    if (!disk_->admit(session_)) return powerless();
    file_->synced = file_->content.size();
    ++disk_->syncs;
    return IOStatus::OK();
  }
  IOStatus Truncate(std::uint64_t size, const IOOptions&, IODebugContext*) override {
    const std::lock_guard lock{disk_->mutex};
    if (!disk_->admit(session_)) return powerless();
    if (size < file_->content.size()) file_->content.resize(size);
    file_->synced = std::min(file_->synced, file_->content.size());
    return IOStatus::OK();
  }
  IOStatus Flush(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  bool IsSyncThreadSafe() const override { return true; }
  std::uint64_t GetFileSize(const IOOptions&, IODebugContext*) override {
    const std::lock_guard lock{disk_->mutex};
    return file_->content.size();
  }

private:
  const std::shared_ptr<state> disk_;
  const std::uint64_t session_;
  const file_ptr file_;
};

/// Of what was overwritten and not synced, a loss of power takes all or nothing.
class simulated_disk::files::overwritable_file final : public rocksdb::FSRandomRWFile {
public:
  overwritable_file(std::shared_ptr<state> disk, std::uint64_t session, file_ptr written)
    : disk_(std::move(disk)), session_(session), file_(std::move(written)) {}

  IOStatus Write(std::uint64_t offset, const Slice& data, const IOOptions&,
                 IODebugContext*) override {
    const std::lock_guard lock{disk_->mutex};
    if (!file_->before_overwritten) file_->before_overwritten = file_->content;
    auto& bytes = file_->content;
    if (bytes.size() < offset + data.size()) bytes.resize(offset + data.size());
    bytes.replace(offset, data.size(), data.data(), data.size());
    return disk_->admit(session_) ? IOStatus::OK() : powerless();
  }
  IOStatus Read(std::uint64_t offset, std::size_t n, const IOOptions&, Slice* out, char* scratch,
                IODebugContext*) const override {
    const std::lock_guard lock{disk_->mutex};
    return read_at(*file_, offset, n, out, scratch);
  }
  IOStatus Flush(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Sync(const IOOptions&, IODebugContext*) override {
    const std::lock_guard lock{disk_->mutex};
    if (!disk_->admit(session_)) return powerless();
    file_->before_overwritten.reset();
    file_->synced = file_->content.size();
    return IOStatus::OK();
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* context) override {
    return Sync(options, context);
  }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }

private:
  const std::shared_ptr<state> disk_;
  const std::uint64_t session_;
  const file_ptr file_;
};

class simulated_disk::files::open_directory final : public rocksdb::FSDirectory {
public:
  open_directory(std::shared_ptr<state> disk, std::uint64_t session, std::string name)
    : disk_(std::move(disk)), session_(session), name_(std::move(name)) {}
  IOStatus Fsync(const IOOptions&, IODebugContext*) override {
    const std::lock_guard lock{disk_->mutex};
    if (!disk_->admit(session_)) return powerless();
    disk_->sync_directory(name_ == "/" ? "" : name_);
    ++disk_->syncs;
    return IOStatus::OK();
  }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }

private:
  const std::shared_ptr<state> disk_;
  const std::uint64_t session_;
  const std::string name_;
};

IOStatus simulated_disk::files::NewSequentialFile(const std::string& name, const FileOptions&,
                                                  std::unique_ptr<rocksdb::FSSequentialFile>* out,
                                                  IODebugContext*) {
  const std::lock_guard lock{disk_->mutex};
  const auto found = find(name);
  if (!found) return missing(name);
  *out = std::make_unique<sequential_file>(disk_, found);
  return IOStatus::OK();
}

IOStatus simulated_disk::files::NewRandomAccessFile(
    const std::string& name, const FileOptions&, std::unique_ptr<rocksdb::FSRandomAccessFile>* out,
    IODebugContext*) {
  const std::lock_guard lock{disk_->mutex};
  const auto found = find(name);
  if (!found) return missing(name);
  *out = std::make_unique<random_access_file>(disk_, found);
  return IOStatus::OK();
}

IOStatus simulated_disk::files::NewWritableFile(const std::string& name, const FileOptions&,
                                                std::unique_ptr<rocksdb::FSWritableFile>* out,
                                                IODebugContext*) {
  const std::lock_guard lock{disk_->mutex};
  if (!disk_->admit(session_)) return powerless();
  auto made = std::make_shared<simulated_file>();
  disk_->change_entry(plain_path(name), made);
  *out = std::make_unique<writable_file>(disk_, session_, std::move(made));
  return IOStatus::OK();
}

IOStatus simulated_disk::files::NewRandomRWFile(const std::string& name, const FileOptions&,
                                                std::unique_ptr<rocksdb::FSRandomRWFile>* out,
                                                IODebugContext*) {
  const std::lock_guard lock{disk_->mutex};
  const auto found = find(name);
  if (!found) return missing(name);
  *out = std::make_unique<overwritable_file>(disk_, session_, found);
  return IOStatus::OK();
}

IOStatus simulated_disk::files::NewDirectory(const std::string& name, const IOOptions&,
                                             std::unique_ptr<rocksdb::FSDirectory>* out,
                                             IODebugContext*) {
  *out = std::make_unique<open_directory>(disk_, session_, plain_path(name));
  return IOStatus::OK();
}

IOStatus simulated_disk::files::GetChildren(const std::string& name, const IOOptions&,
                                            std::vector<std::string>* out, IODebugContext*) {
  const auto wanted = plain_path(name);
  const std::lock_guard lock{disk_->mutex};
  if (!disk_->directories.contains(wanted)) return missing(name);
  out->clear();
  for (const auto& [path, found] : disk_->entries)
    if (parent_of(path) == wanted) out->push_back(path.substr(wanted.size() + 1));
  return IOStatus::OK();
}

IOStatus simulated_disk::files::DeleteFile(const std::string& name, const IOOptions&,
                                           IODebugContext*) {
  const std::lock_guard lock{disk_->mutex};
  const auto found = find(name);
  if (!found) return missing(name);
  if (!disk_->admit(session_)) return powerless();
  disk_->used -= found->content.size();
  disk_->change_entry(plain_path(name), nullptr);
  return IOStatus::OK();
}

IOStatus simulated_disk::files::RenameFile(const std::string& from, const std::string& to,
                                           const IOOptions&, IODebugContext*) {
  const std::lock_guard lock{disk_->mutex};
  const auto found = find(from);
  const bool is_directory = disk_->directories.contains(plain_path(from));
  if (!found && !is_directory) return missing(from);
  if (!disk_->admit(session_)) return powerless();
  if (is_directory) {
    disk_->move_directory(plain_path(from), plain_path(to));
    return IOStatus::OK();
  }
  if (const auto replaced = find(to)) disk_->used -= replaced->content.size();
  disk_->change_entry(plain_path(to), found);
  disk_->change_entry(plain_path(from), nullptr);
  return IOStatus::OK();
}

IOStatus simulated_disk::files::LockFile(const std::string& name, const IOOptions&,
                                         rocksdb::FileLock** lock, IODebugContext*) {
  const std::lock_guard guard{disk_->mutex};
  if (!disk_->is_alive(session_)) return powerless();
  if (!disk_->locks.insert(name).second) return IOStatus::IOError("While lock file", name);
  if (!find(name)) disk_->change_entry(plain_path(name), std::make_shared<simulated_file>());
  *lock = new held_lock{name};
  return IOStatus::OK();
}

IOStatus simulated_disk::files::UnlockFile(rocksdb::FileLock* lock, const IOOptions&,
                                           IODebugContext*) {
  const std::unique_ptr<rocksdb::FileLock> owned{lock};
  const std::lock_guard guard{disk_->mutex};
  if (disk_->is_alive(session_)) disk_->locks.erase(static_cast<held_lock*>(lock)->name);
  return IOStatus::OK();
}

// -- simulated_disk -------------------------------------------------------------------------------

simulated_disk::simulated_disk(std::uint64_t seed) : state_(std::make_shared<state>(seed)) {}
simulated_disk::~simulated_disk() = default;

std::shared_ptr<rocksdb::FileSystem> simulated_disk::file_system() {
  const std::lock_guard lock{state_->mutex};
  return std::make_shared<files>(state_, state_->session);
}

void simulated_disk::power_off() {
  const std::lock_guard lock{state_->mutex};
  if (!state_->is_off) state_->lose_power();
}

void simulated_disk::power_off_after(std::uint64_t changes) {
  const std::lock_guard lock{state_->mutex};
  state_->until_off = changes;
}

bool simulated_disk::is_off() const {
  const std::lock_guard lock{state_->mutex};
  return state_->is_off;
}

void simulated_disk::power_on() {
  const std::lock_guard lock{state_->mutex};
  state_->is_off = false;
}

void simulated_disk::set_capacity(std::uint64_t bytes) {
  const std::lock_guard lock{state_->mutex};
  state_->capacity = bytes;
}

std::uint64_t simulated_disk::used_bytes() const {
  const std::lock_guard lock{state_->mutex};
  return state_->used;
}

std::uint64_t simulated_disk::syncs() const {
  const std::lock_guard lock{state_->mutex};
  return state_->syncs;
}

std::map<std::string, std::string> simulated_disk::contents() const {
  const std::lock_guard lock{state_->mutex};
  std::map<std::string, std::string> all;
  for (const auto& [name, file] : state_->entries) all.emplace(name, file->content);
  return all;
}

void simulated_disk::set_contents(const std::map<std::string, std::string>& wanted) {
  const std::lock_guard lock{state_->mutex};
  ++state_->session;
  state_->locks.clear();
  state_->entries.clear();
  state_->unsynced.clear();
  state_->directories.clear();
  state_->used = 0;
  for (const auto& [name, content] : wanted) {
    state_->directories.insert(std::filesystem::path{name}.parent_path().string());
    auto made = std::make_shared<simulated_file>();
    made->content = content;
    made->synced = content.size();
    state_->used += content.size();
    state_->entries.emplace(name, std::move(made));
    state_->directories.insert(parent_of(name));
  }
  state_->synced_entries = state_->entries;
}

std::size_t simulated_disk::damage(std::string_view name_suffix) {
  const std::lock_guard lock{state_->mutex};
  std::size_t damaged = 0;
  for (auto& [name, content] : state_->entries) {
    auto& bytes = content->content;
    if (!name.ends_with(name_suffix) || bytes.empty()) continue;
    bytes[bytes.size() / 2] = static_cast<char>(~bytes[bytes.size() / 2]);
    ++damaged;
  }
  return damaged;
}

}  // namespace cloudflow::pubsub::embedded
