#pragma once

#include "cloudflow/base/time.hpp"
#include "cloudflow/pubsub/backend.hpp"
#include "cloudflow/pubsub/kafka/internal/changelog_records.hpp"

#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace cloudflow::pubsub::embedded {
class log;
}

namespace cloudflow::pubsub::kafka {

/// How far the copy of one task's state has come.
struct copy_mark {
  std::string topic_id;  ///< of the changelog that it is a copy of
  record_offset next;    ///< the first record that is not in the copy
  timestamp touched;     ///< when the copy was last changed
  std::vector<std::string> stores;

  void add_store(std::string_view name);
  bool operator==(const copy_mark&) const = default;
};

/// Copies of tasks' state in a directory, each changed together with its mark. A copy that is lost
/// is read again from the changelog, so nothing is synced to the disk.
///
/// Concurrency: thread-safe; one process at a time has the directory.
class local_state {
public:
  /// The directory is created unless it is there; it may be the root of a mounted volume.
  ///
  /// Errors: `in_use`, and whatever else the disk says.
  static result<std::unique_ptr<local_state>> open(const std::filesystem::path& directory,
                                                   const clock& time);
  ~local_state();

  result<std::optional<copy_mark>> mark(const task_id& task) const;
  /// Removes the copy. It is gone when this succeeds; else some of it, and its mark, may still be
  /// there.
  result<void> wipe(const task_id& task);

  /// Changes of several copies that become visible at once.
  struct change {
    const task_id& task;
    const copy_mark& mark;
  };
  result<void> apply(std::span<const state_change> state, std::span<const change> marks);

  const state_reader& reader() const;

private:
  local_state(std::unique_ptr<embedded::log> log, std::unique_ptr<producer> writer);

  const std::unique_ptr<embedded::log> log_;
  std::mutex mutex_;  ///< guards the next
  const std::unique_ptr<producer> writer_;
};

}  // namespace cloudflow::pubsub::kafka
