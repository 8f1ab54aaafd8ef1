#pragma once

#include "cloudflow/pubsub/simulated/internal/circumstances.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace cloudflow::pubsub::simulated {

/// Committed state: what the changelogs hold, and the copies of the processes. Guarded by the
/// broker's mutex.
///
/// State of an owner that nobody has ensured has no copies: it is read where it is.
class stores {
public:
  using values = std::map<std::string, std::string, std::less<>>;
  /// The state of one task: by the name of the store.
  using task_state = std::map<std::string, values, std::less<>>;
  using task_key = std::pair<std::string, std::int32_t>;  ///< owner, partition

  explicit stores(circumstances& around) : dependencies_(&around) {}

  result<void> ensure(std::string_view owner, std::int32_t partitions);
  /// `is_open`: a transaction with changes of this state has not ended yet.
  bool restore(const process& by, const task_key& task, bool is_open);
  void give_up(const process& by, const task_key& task);
  /// Whether this process may write it.
  bool is_restored(const process& by, const task_key& task) {
    return !owners_.contains(task.first) || copy_of(by, task) != nullptr;
  }
  void forget(const process& by);

  /// `heard_by`: the process that knows of the commit, whose copy follows; null: the one that has
  /// committed was cut off, and its copy stays behind until it restores it anew.
  void apply(const process* heard_by, const task_key& task, std::string_view store,
             const std::string& key, const std::optional<std::string>& value);
  /// The values that this process sees; null: it may not see them, which is noted.
  const values* seen(const process& by, std::string_view store, partition_id partition);

private:
  struct copy {
    bool is_restored = false;
    int looks_left = 0;
    task_state state{};
  };
  copy* copy_of(const process& by, const task_key& task);

  circumstances* dependencies_;
  std::map<std::string, std::int32_t, std::less<>> owners_;
  std::map<task_key, task_state> committed_;
  std::map<std::pair<const process*, task_key>, copy> copies_;
};

}  // namespace cloudflow::pubsub::simulated
