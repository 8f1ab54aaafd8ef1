/// The number of the last commit, beside the write-ahead log.
#pragma once

#include "cloudflow/pubsub/embedded/internal/keys.hpp"
#include "cloudflow/pubsub/embedded/internal/storage.hpp"

#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace rocksdb {
class FileSystem;
class FSRandomRWFile;
}  // namespace rocksdb

namespace cloudflow::pubsub::embedded {

/// A file that says how far the log has come, so that one which recovers less is known to be cut.
///
/// Operation: written after each synced commit and not synced itself, so it is never ahead of the
/// log; a kill leaves it at most one commit behind, a loss of power as far behind as the machine
/// has left it. Two slots are written in turn, each with a checksum of its own: a slot that was
/// damaged or half written leaves the other.
///
/// It is written by `pwrite` and not through a mapping: a page of a mapping that cannot be read is
/// a signal that ends the process, and a call is an error. Confined to the holder of the log's
/// lock.
///
/// Likewise it says how long the manifest was: RocksDB takes one that was cut for one that was
/// being written.
class commit_page {
public:
  static constexpr const char* file_name = "COMMITS";

  struct manifest {
    std::uint64_t number = 0, bytes = 0;
  };
  struct content {
    std::optional<commit_count> count;
    std::optional<manifest> tables;
  };
  /// What the page of a directory says; what is missing there cannot be trusted.
  static result<content> read(rocksdb::FileSystem& files, const std::filesystem::path& directory);
  /// Opens the page and writes `count`; makes it, synced, if there is none.
  static result<std::unique_ptr<commit_page>> open(rocksdb::FileSystem& files,
                                                   const std::filesystem::path& directory,
                                                   const commit_count& count);
  ~commit_page();

  /// False: it could not be written. It is then behind the log, which takes protection away and
  /// nothing else.
  bool write(const commit_count& count);
  /// What is synced of the manifest. Thread-safe.
  bool write(const manifest& tables);

private:
  explicit commit_page(std::unique_ptr<rocksdb::FSRandomRWFile> file);
  std::unique_ptr<rocksdb::FSRandomRWFile> file_;
  std::mutex mutex_;  // guards manifests_written_
  std::uint64_t manifests_written_ = 0;
};

}  // namespace cloudflow::pubsub::embedded
