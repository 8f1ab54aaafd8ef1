#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace rocksdb {
class FileSystem;
}

namespace cloudflow::pubsub::embedded {

/// A disk in memory that loses power, for tests: what was not synced may be lost.
///
/// Operation: every file knows how much of it was synced, every directory which of its entries
/// were. When the power goes off, a file keeps what was synced and a part of the rest (seeded:
/// nothing, all, or something between, with zeros for its last bytes at times); of the entries
/// made, renamed and deleted since the last sync of the directory, the earlier ones are kept (a
/// seeded number). After that every file system handed out before answers with an error, like that
/// of a process that is no more.
///
/// Thread-safe.
class simulated_disk {
public:
  explicit simulated_disk(std::uint64_t seed);
  ~simulated_disk();
  simulated_disk(const simulated_disk&) = delete;
  simulated_disk& operator=(const simulated_disk&) = delete;

  /// What is on the disk now, for `options::file_system`. Valid until the next loss of power; may
  /// outlive the disk.
  std::shared_ptr<rocksdb::FileSystem> file_system();

  /// Loses power at once.
  void power_off();
  /// Loses power in the middle of the n-th change (append, sync, create, rename, delete) from now,
  /// n >= 1. 0: not at all.
  void power_off_after(std::uint64_t changes);
  bool is_off() const;
  /// Starts again with what is left.
  void power_on();

  /// Bytes that fit; further appends fail as on a full disk. 0: no bound.
  void set_capacity(std::uint64_t bytes);
  std::uint64_t used_bytes() const;
  /// Syncs of files and directories so far.
  std::uint64_t syncs() const;
  /// Path -> bytes of all files.
  std::map<std::string, std::string> contents() const;
  /// Has these files and no others from now on, all of them synced; whoever has one open keeps the
  /// former.
  void set_contents(const std::map<std::string, std::string>& wanted);
  /// Inverts a byte in the middle of each file whose name ends like that. Returns how many there
  /// were.
  std::size_t damage(std::string_view name_suffix);

private:
  struct state;
  class files;
  std::shared_ptr<state> state_;
};

}  // namespace cloudflow::pubsub::embedded
