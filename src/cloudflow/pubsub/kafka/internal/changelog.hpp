#pragma once

#include "cloudflow/pubsub/backend.hpp"
#include "cloudflow/pubsub/kafka/internal/admin.hpp"
#include "cloudflow/pubsub/kafka/internal/catalog.hpp"
#include "cloudflow/pubsub/kafka/internal/changelog_records.hpp"
#include "cloudflow/pubsub/kafka/internal/copier.hpp"
#include "cloudflow/pubsub/kafka/internal/kept_positions.hpp"
#include "cloudflow/pubsub/kafka/internal/local_state.hpp"
#include "cloudflow/pubsub/kafka/internal/reader.hpp"

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace cloudflow::pubsub::kafka {

/// The state of tasks: changes go to the compacted topic `<application>.<owner>.changelog`, in the
/// transaction that they are part of, and to a copy in the session's directory when that has
/// committed. Whoever gets a task reads from the changelog what its copy lacks.
///
/// Stores that belong to no task are in the catalog.
///
/// Concurrency: thread-safe. Has two threads, from the first restore() on.
class changelog final : public state_reader, public kept_positions {
public:
  changelog(std::shared_ptr<connection> session, const admin& requests, const reader& records,
            catalog& known);
  ~changelog() override;

  // -- see backend; without a directory for state they are `unsupported` --------------------------

  result<void> ensure(std::string_view owner, std::int32_t partitions);
  result<bool> restore(std::string_view owner, partition_id partition,
                       const std::function<void()>& on_ready);
  void give_up(std::string_view owner, partition_id partition);
  /// `rebalanced`: the state of this task is not here.
  result<std::optional<std::string>> find(std::string_view store, partition_id partition,
                                          std::string_view key) const override;
  result<void> scan(
      std::string_view store, partition_id partition, std::string_view prefix,
      const std::function<bool(std::string_view key, std::string_view value)>& f) const override;

  // -- for producers and consumers ----------------------------------------------------------------

  /// What has to be written to changelogs; with positions of groups that belong to the tasks. What
  /// belongs to no task is stored here and now. `rebalanced`: the state of a task is to change that
  /// is not here (any more).
  result<std::vector<changelog_part>> encode(const transaction& changes);
  /// It has been committed: the copies follow.
  void apply(const std::vector<changelog_part>& written);
  result<void> begin(const std::string& group,
                     const std::vector<topic_partition>& sources) override;
  /// The position that was committed together with state. Blocks while the changelog is read.
  result<std::optional<kept_position>> last_known(const std::string& group,
                                                  const topic_partition& source,
                                                  const std::stop_token& stop) override;

private:
  enum class phase { absent, waiting, here, failed };
  struct task {
    phase at = phase::absent;
    copy_mark mark;         ///< while it is here
    pubsub::error problem;  ///< when it has failed
    std::function<void()> on_ready;
    std::stop_source stop;
    /// Held by whoever changes the copy.
    std::shared_ptr<std::mutex> changing = std::make_shared<std::mutex>();
  };
  struct earlier {
    using is_transparent = void;
    using view = std::pair<std::string_view, partition_id>;
    static view of(const task_id& id) { return {id.owner, id.partition}; }
    static view of(const view& id) { return id; }
    bool operator()(const auto& a, const auto& b) const { return of(a) < of(b); }
  };

  std::string topic_of(std::string_view owner) const;
  std::string_view owner_of_group(std::string_view group) const;
  result<local_state*> local();
  void work(const std::stop_token& stop);
  void bring_next(const task_id& id);
  std::shared_ptr<std::mutex> changing_of(const task_id& id);
  result<copy_mark> bring(const task_id& id, const std::stop_token& stop);
  result<void> bring_unless_here(const task_id& id, const std::stop_token& stop);
  error lost(std::string_view owner, const topic_spec& topic) const;
  bool has_stores(std::string_view owner) const;
  bool is_here(std::string_view owner, partition_id partition) const;
  result<changelog_part*> part_of(std::vector<changelog_part>& parts, std::string_view owner,
                                  partition_id partition) const;
  void apply_one(const changelog_part& written);
  bool keeps_positions_of(std::string_view group) const;
  result<void> learn_ids(const std::vector<topic_partition>& of);
  result<void> learn_ids_of(const std::vector<position_change>& positions);
  const std::string* known_id(std::string_view topic, partition_id partition) const;
  bool is_kept(const position_change& change) const;
  result<void> add_positions(const std::vector<position_change>& changes,
                             std::vector<changelog_part>& to) const;
  result<std::optional<kept_position>> compare(const std::string& group,
                                               const topic_partition& source,
                                               const written_position& written);
  result<void> store_in_catalog(const state_change& change);
  std::string catalog_key(std::string_view store, std::string_view key) const;

  const std::shared_ptr<connection> session_;
  const admin& requests_;
  const reader& records_;
  catalog& catalog_;

  mutable std::shared_mutex mutex_;  ///< guards all of the following
  std::unique_ptr<local_state> local_;
  std::map<task_id, task, earlier> tasks_;
  /// Of the topics that positions are of, as of when their reading began.
  std::map<std::string, std::map<partition_id, std::string>, std::less<>> topic_ids_;
  std::deque<task_id> queue_;
  std::condition_variable_any has_work_;
  std::vector<std::jthread> threads_;  ///< last: they use all of the above
};

}  // namespace cloudflow::pubsub::kafka
