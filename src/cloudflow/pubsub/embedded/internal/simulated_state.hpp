/// What is on a simulated disk, and what of it would survive. Guarded by its mutex; knows no
/// RocksDB.
#pragma once

#include "cloudflow/pubsub/embedded/simulated_disk.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace cloudflow::pubsub::embedded {

struct simulated_file {
  std::string content;
  std::size_t synced = 0;
  std::optional<std::string> before_overwritten = {};  ///< as it was when it was last synced
};
using file_ptr = std::shared_ptr<simulated_file>;
using directory_entries = std::map<std::string, file_ptr>;

/// A change of a directory's entries. Without a file: the entry goes. With the former name of a
/// directory: everything in it moves, at once or not at all.
struct entry_change {
  std::string name;
  file_ptr target = {};
  std::string moved_from = {};
};

/// RocksDB writes a directory with and without a slash at its end, and joins with one too many.
std::string plain_path(const std::string& path);
std::string parent_of(const std::string& path);

struct simulated_disk::state {
  explicit state(std::uint64_t seed) : random(seed) {}

  /// A change is about to be made by a session; false when it can make none any more.
  bool admit(std::uint64_t by) {
    if (is_off || by != session) return false;
    if (until_off != 0 && --until_off == 0) {
      lose_power();
      return false;
    }
    return true;
  }
  bool is_alive(std::uint64_t caller) const { return !is_off && caller == session; }

  void change_entry(const std::string& name, const file_ptr& target) {
    apply(entries, {name, target});
    unsynced.push_back({name, target});
  }
  static void apply(directory_entries& to, const entry_change& change) {
    if (!change.moved_from.empty())
      move_entries(to, change);
    else if (change.target)
      to[change.name] = change.target;
    else
      to.erase(change.name);
  }
  static void move_entries(directory_entries& in, const entry_change& change) {
    directory_entries moved;
    std::erase_if(in, [&](const auto& entry) {
      if (parent_of(entry.first) != change.moved_from) return false;
      moved.emplace(change.name + entry.first.substr(change.moved_from.size()), entry.second);
      return true;
    });
    in.merge(moved);
  }
  void move_directory(const std::string& from, const std::string& to) {
    apply(entries, {to, nullptr, from});
    unsynced.push_back({to, nullptr, from});
    directories.erase(from);
    directories.insert(to);
  }
  void sync_directory(const std::string& name) {
    std::erase_if(unsynced, [&](const entry_change& change) {
      if (parent_of(change.name) != name) return false;
      apply(synced_entries, change);
      return true;
    });
  }
  void lose_power();
  void tear(simulated_file& torn);
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(random() % bound); }

  mutable std::mutex mutex;
  std::mt19937_64 random;
  std::uint64_t session = 1, until_off = 0, capacity = 0, used = 0, syncs = 0;
  bool is_off = false;
  directory_entries entries, synced_entries;
  std::vector<entry_change> unsynced;
  std::set<std::string> directories, locks;
};

}  // namespace cloudflow::pubsub::embedded
