/// The durable log for one machine: a directory that one process at a time owns, on RocksDB.
#pragma once

#include "cloudflow/base/time.hpp"
#include "cloudflow/pubsub/backend.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
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
  /// False: nothing was deleted by its age, because the time of day has jumped in the last hour.
  bool is_time_believed = true;
};

/// The embedded log.
///
/// Concurrency: thread-safe; the transactions of all producers that wait at the same time become
/// durable with one write. RocksDB's own threads flush and compact; this class starts none.
///
/// Retention: `retention.ms` (default: 7 days after the append) and `retention.bytes` (default:
/// none) of each topic, in whole commits, the oldest first; but nothing that a known group has not
/// committed yet. A group is known by a stored position or, in this process, by having been opened.
///
/// Nothing is deleted by its age for an hour after the time of day has jumped, seen from the
/// monotonic clock: time that is right stays so for longer.
///
/// Disk bound: over it a commit with outputs, or of state alone, is `errc::disk_full` (retriable).
/// One that also moves a position may go an eighth over it: reading what is there is what makes
/// room. 64 MB of the disk stay free in the same way.
///
/// A write that fails: the error is retriable, and the log is closed and opened again by whoever
/// writes next, when the file system takes files again. What was acknowledged stays. Whether the
/// write that failed is in is known then: the producer that tries the same transaction again
/// succeeds without writing it twice. Reading goes on meanwhile.
class log : public backend {
public:
  /// Applies retention. The owner calls this every now and then, from a thread that may block.
  virtual result<maintenance> maintain() = 0;
  /// Removes the positions of a group that no longer exists, so that it keeps no records. A group
  /// with an open consumer is `errc::in_use`.
  virtual result<void> forget_group(std::string_view group) = 0;
  /// Makes a log of its own in `to`, which must not be there, with everything that is committed
  /// now, while this one goes on. Blocks; may be called from any thread.
  virtual result<void> backup(const std::filesystem::path& to) const = 0;
  /// Why nothing can be written for want of space on the disk; none: there is room, or it cannot be
  /// told.
  virtual std::optional<error> lacks_room() const = 0;
  /// Sentences for the user about the log as it was found: what could not be checked. Empty when
  /// all is well.
  virtual const std::vector<std::string>& notes() const = 0;
};

/// Opens the log in a directory and creates it if the directory is not there (not when read-only).
/// `time` lives as long as the log. What is there is read before anything is written: a log that
/// cannot be used is refused with the same words each time, and not a byte of it is changed.
///
/// Errors: `in_use` (another process, or this one, has it open), `disk_full`, `corrupt` (also:
/// acknowledged commits are missing), `unsupported` (another version has written it), `unavailable`
/// (whatever else the file system says).
result<std::unique_ptr<log>> open(const options& wanted, const clock& time);

struct removal {
  std::vector<std::filesystem::path>
      foreign;  ///< files and directories that are not the log's, and stay
};

/// Removes a log, under its lock, and nothing else that lies in its directory. A directory without
/// a log is fine.
///
/// Errors: `in_use`; what the file system says, after which a part is gone: the log is then refused
/// until it is removed.
result<removal> remove(const options& wanted);

/// A sentence for each property of the topic that this log does not honour, for the user to see:
/// compaction, and everything that only makes sense on a cluster. Values that are not understood
/// are an error of `ensure_topic` instead.
std::vector<std::string> limitations(const topic_spec& topic);

}  // namespace cloudflow::pubsub::embedded
