/// The only place that knows RocksDB: keys and values in column families, written together or not
/// at all.
#pragma once

#include "cloudflow/base/bytes.hpp"
#include "cloudflow/pubsub/embedded/log.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace cloudflow::pubsub::embedded {

enum class family { records, meta, positions, state, schemas };

/// Changes that become durable together. Keeps its capacity over clear(). Confined to one thread.
class write_set {
public:
  write_set();
  write_set(write_set&&) noexcept;
  ~write_set();
  void put(family where, std::string_view key, std::string_view value);
  void erase(family where, std::string_view key);
  /// Keys from `first` to before `end`.
  void erase_range(family where, std::string_view first, std::string_view end);
  void clear();

  struct impl;
  /// For the .cpp files that see RocksDB.
  impl& parts() noexcept { return *impl_; }

private:
  std::unique_ptr<impl> impl_;
};

struct key_range {
  std::string first, end;
};

/// Why something was not written.
struct write_failure {
  error why;
  /// It may have been written all the same: storage::is_in() tells after the next resume_parked().
  std::optional<std::uint64_t> unresolved;
};

/// The log's database, which is closed and opened again after a write that failed.
///
/// Operation: each write carries the number of its commit, and the page beside the log learns it
/// afterwards. After a write that failed, or may have, nothing is written until resume_parked() has
/// opened the database again; what it finds says whether the last write is in. Concurrency: reading
/// is thread-safe, and goes on while the database is broken. write() and resume_parked() are called
/// by one thread at a time. Errors say what RocksDB says, with the directory.
class storage {
public:
  /// `f` gets a key and its value, both valid during the call only, and returns false to stop.
  using visitor = std::function<bool(std::string_view key, std::string_view value)>;

  /// Opens what is there, and makes it if there is nothing (not when read-only). What cannot be
  /// used is refused, with the same words each time and not a byte changed: all is read before
  /// anything is written. `check` looks at it as long as it is open for reading, and has the last
  /// word.
  using checker = std::function<result<void>(const storage& reading)>;
  static result<std::unique_ptr<storage>> open(const options& wanted, const checker& check);
  /// For reading, by whoever has its directory_lock.
  static result<std::unique_ptr<storage>> open_locked(const options& wanted);
  ~storage();

  result<std::optional<std::string>> get(family where, std::string_view key) const;
  /// All keys from `from` on, in order.
  result<void> scan(family where, std::string_view from, const visitor& f) const;
  /// Like scan, but begins with the last key that is not behind `from`, if there is one.
  result<void> scan_from_floor(family where, std::string_view from, const visitor& f) const;

  /// Adds the commit's number to `changes` and writes them; durable when it returns, if `sync`.
  /// `records`: how many there are among the changes.
  cloudflow::result<void, write_failure> write(write_set& changes, bool sync,
                                               std::uint64_t records = 0);
  enum class condition { unchanged, reopened };
  /// Opens the database again if a write has failed. Retriable errors: the cause is still there.
  result<condition> resume_parked();
  /// Whether a write that failed is in the log after all. @pre resume_parked() has succeeded since
  bool is_in(std::uint64_t unresolved) const;

  /// A copy of the log, as of the last commit, in a directory that is not there yet.
  result<void> copy_to(const std::filesystem::path& directory) const;
  /// Gives the disk space of erased records back, as far as whole files go; all of it when
  /// `thoroughly`.
  result<void> reclaim(std::span<const key_range> erased, bool thoroughly);
  /// What the directory takes.
  std::uint64_t disk_bytes() const;
  /// What is left on the disk; none when that cannot be told.
  std::optional<std::uint64_t> free_bytes() const;
  /// What the owner should know of the log as it was found.
  const std::vector<std::string>& notes() const noexcept;

private:
  struct impl;
  explicit storage(std::unique_ptr<impl> parts);
  static result<std::unique_ptr<storage>> open_new(std::unique_ptr<storage> made,
                                                   const checker& check);
  std::unique_ptr<impl> impl_;
};

}  // namespace cloudflow::pubsub::embedded
