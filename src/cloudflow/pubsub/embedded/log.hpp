/// The durable log for one machine: a directory that one process at a time owns, on RocksDB.
#pragma once

#include "cloudflow/base/time.hpp"
#include "cloudflow/pubsub/backend.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace rocksdb {
class FileSystem;
}

namespace cloudflow::pubsub::embedded {

struct options {
  std::filesystem::path directory;
  /// For looking only: takes no lock and changes no file, sees all that was committed. Writing is
  /// `errc::unsupported`. The directory must hold a log that no process has open (`errc::in_use`).
  bool read_only = false;
  /// Bytes that the directory may take; 0: no bound. See log::maintain().
  std::uint64_t disk_bound = 0;
  /// Bytes of recent records that stay in memory for consumers which follow closely.
  std::size_t tail_bytes = 32 * 1024 * 1024;
  /// False: a commit is safe against the end of the process, but not of the machine.
  bool sync_commits = true;
  /// Where the files are; none: the machine's file system.
  std::shared_ptr<rocksdb::FileSystem> file_system;
};

/// What one run of maintain() did.
struct maintenance {
  std::int64_t records_deleted = 0;
  std::uint64_t bytes_deleted = 0;
  std::uint64_t disk_bytes = 0;  ///< what the directory takes afterwards
};

/// The embedded log.
///
/// Concurrency: thread-safe; the transactions of all producers that wait at the same time become durable with
/// one write. RocksDB's own threads flush and compact; this class starts none.
///
/// Retention: `retention.ms` (default: 7 days after the append) and `retention.bytes` (default: none) of each
/// topic, in whole commits, the oldest first; but nothing that a known group has not committed yet. A group is
/// known by a stored position or, in this process, by having been opened.
///
/// Disk bound: over it a commit with outputs, or of state alone, is `errc::disk_full` (retriable). One that also moves a
/// position may go an eighth over it: reading what is there is what makes room. 64 MB of the disk stay free in the same
/// way. A disk that is full in the middle of a write all the same is `errc::disk_full` and fatal.
class log : public backend {
public:
  /// Applies retention. The owner calls this every now and then, from a thread that may block.
  virtual result<maintenance> maintain() = 0;
  /// Removes the positions of a group that no longer exists, so that it keeps no records. A group with an
  /// open consumer is `errc::in_use`.
  virtual result<void> forget_group(std::string_view group) = 0;
};

/// Opens the log in a directory and creates it if there is none (not when read-only). `time` lives as long as
/// the log.
///
/// Errors: `in_use` (another process, or this one, has it open), `disk_full`, `corrupt`, `unsupported` (written
/// by a newer version), `unavailable` (whatever else the file system says).
result<std::unique_ptr<log>> open(const options& wanted, const clock& time);

/// A sentence for each property of the topic that this log does not honour, for the user to see: compaction,
/// and everything that only makes sense on a cluster. Values that are not understood are an error of
/// `ensure_topic` instead.
std::vector<std::string> limitations(const topic_spec& topic);

}  // namespace cloudflow::pubsub::embedded
