#pragma once

#include "cloudflow/application/task_status.hpp"
#include "cloudflow/runtime/source.hpp"
#include "cloudflow/runtime/streamlet_instance.hpp"

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace cloudflow::runtime {

/// The partitions that a task reads, and what it is told about them. Confined to the task's worker,
/// but for what is said to be thread-safe.
class assigned_sources {
public:
  /// `streamlet` outlives it. `partition`: the one that the task has of each topic.
  assigned_sources(const streamlet_instance& streamlet, std::int32_t partition)
    : streamlet_(&streamlet), partition_(partition) {}

  /// A partition comes, or has to go. Thread-safe; `take_posted` gives it.
  void post(const source_event& e);
  std::vector<source_event> take_posted();

  void add(const source_event& e);
  /// Null: the task does not have it.
  source* find(const pubsub::topic_partition& at) const noexcept;
  std::span<const std::unique_ptr<source>> all() const noexcept { return sources_; }
  bool empty() const noexcept { return sources_.empty(); }
  /// State is of a partition of all topics of a group: as long as another process may have one of
  /// them, it may have that state as well. None: nothing is missing.
  std::optional<std::string> missing_topic() const;
  bool is_complete() const { return !sources_.empty() && !missing_topic(); }
  bool has_leaving() const noexcept;
  /// Takes those out that have to go.
  std::vector<std::unique_ptr<source>> take_leaving();

  /// Whether something has been processed that no commit takes yet.
  bool has_moved() const noexcept;
  /// Back to what is committed.
  void rewind();
  /// The commit under way has succeeded.
  void settle();

  /// Tells the log which records of repartition topics are done with: nobody but this task reads
  /// what has moved to it. Once an interval, by `clock::monotonic`.
  void forget_moved(std::chrono::nanoseconds now, std::chrono::nanoseconds interval);

  /// Adds each partition with its position and end and, where the task does not run, what it waits
  /// for. Thread-safe.
  void describe(app::task_status& into) const;
  /// What is committed of each. Thread-safe.
  std::vector<std::pair<pubsub::topic_partition, record_offset>> positions() const;

private:
  const streamlet_instance* streamlet_;
  std::int32_t partition_;
  mutable std::mutex mutex_;  // guards posted_; and sources_ against readers in other threads
  std::vector<source_event> posted_;
  std::atomic<bool> has_posted_{false};
  std::vector<std::unique_ptr<source>> sources_;
  std::chrono::nanoseconds forgot_at_{0};
};

}  // namespace cloudflow::runtime
