/// An open RocksDB database of a log, and how it is opened. Of the .cpp files that may see RocksDB.
#pragma once

#include "cloudflow/pubsub/embedded/internal/commit_page.hpp"
#include "cloudflow/pubsub/embedded/internal/families.hpp"

#include <rocksdb/env.h>

namespace cloudflow::pubsub::embedded {

/// What RocksDB says, with the directory and the next step. Errors of the file system are
/// retriable: a disk is emptied, a limit raised, a cable plugged in.
error to_error(const rocksdb::Status& status, const std::filesystem::path& directory);
/// For a log whose bytes are not what was written: `what` is a clause, such as "its file CURRENT is
/// missing".
error damaged(const std::filesystem::path& directory, std::string_view what);
error in_use(const std::filesystem::path& directory);

/// The environment for `options::file_system`: the machine's, or one around a file system of the
/// caller's.
class environment {
public:
  explicit environment(const options& wanted);
  rocksdb::Env* get() const noexcept { return env_; }
  rocksdb::FileSystem& files() const { return *env_->GetFileSystem(); }

private:
  std::unique_ptr<rocksdb::Env> own_;
  rocksdb::Env* env_;
};

/// Holds the lock file of a log's directory while it lives.
class directory_lock {
public:
  /// `errc::in_use` when another process, or this one, has it. Without a lock file nobody can have
  /// the log open, and none is made: there is nothing to hold.
  static result<std::unique_ptr<directory_lock>> take(rocksdb::FileSystem& files,
                                                      const std::filesystem::path& directory);
  ~directory_lock();
  directory_lock(const directory_lock&) = delete;
  directory_lock& operator=(const directory_lock&) = delete;

private:
  directory_lock(rocksdb::FileSystem& files, rocksdb::FileLock* lock)
    : files_(files), lock_(lock) {}
  rocksdb::FileSystem& files_;
  rocksdb::FileLock* lock_;
};

/// Tells a page how long the manifest is, whenever tables have been written. Thread-safe.
class manifest_watch;

enum class access {
  reading,  ///< takes no lock and changes no byte
  writing,
  making,  ///< writing; there is nothing yet
  rebuilt  ///< writing, and creates the families that are not there
};

/// Immutable but for the page. The handles and the database go with it.
class database {
public:
  /// Opens what is there; nothing is checked beyond what RocksDB checks itself.
  static result<std::shared_ptr<database>> open(const options& wanted, const environment& env,
                                                access how);
  /// Has RocksDB make a new manifest from the tables and write-ahead logs that it finds. Changes
  /// the directory.
  static result<void> rebuild(const options& wanted, const environment& env);
  ~database();
  database(const database&) = delete;
  database& operator=(const database&) = delete;

  rocksdb::DB& operator*() const noexcept { return *db_; }
  rocksdb::DB* operator->() const noexcept { return db_.get(); }
  rocksdb::DB* get() const noexcept { return db_.get(); }
  rocksdb::ColumnFamilyHandle* handle(family which) const noexcept {
    return families_[static_cast<std::size_t>(which)];
  }
  std::vector<rocksdb::ColumnFamilyHandle*> handles() const {
    return {families_.begin(), families_.end()};
  }
  /// Notes the manifest's size in `page` now and after each change, until the database is closed.
  void watch_manifest(commit_page& page);

private:
  database() = default;
  std::unique_ptr<rocksdb::Env> shortened_;  ///< of a manifest with a torn end
  std::shared_ptr<manifest_watch> watch_;
  std::unique_ptr<rocksdb::DB> db_;
  std::array<rocksdb::ColumnFamilyHandle*, family_names.size()> families_{};
  rocksdb::ColumnFamilyHandle* default_family_ = nullptr;
};

/// `unsupported` when another version has written it.
result<void> check_format(const database& opened, const std::filesystem::path& directory);
/// What the database says of its commits; `corrupt` when it says nothing.
result<commit_count> recovered_count(const database& opened,
                                     const std::filesystem::path& directory);

/// What a database says of its commits, and what is odd about it.
struct inspection {
  commit_count recovered;
  /// Sentences for the owner: what could not be checked.
  std::vector<std::string> notes;
};

/// Whether the database may be used: its format is this program's, the properties of all its tables
/// can be read, and it has all commits that the page beside it knows of. Reads only.
result<inspection> inspect(const database& opened, const options& wanted, const environment& env);

/// Opens the log for reading, without a trace, and inspects it.
result<inspection> inspect(const options& wanted, const environment& env);

}  // namespace cloudflow::pubsub::embedded
