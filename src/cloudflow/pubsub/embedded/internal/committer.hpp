#pragma once

#include "cloudflow/pubsub/embedded/internal/disk_budget.hpp"
#include "cloudflow/pubsub/embedded/internal/storage.hpp"
#include "cloudflow/pubsub/embedded/internal/topics.hpp"

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace cloudflow::pubsub::embedded {

/// Makes transactions durable and visible, those of all producers that wait together with one
/// write.
///
/// Operation: commit() encodes its outputs in its own thread, then queues. The first one in the
/// queue, when nobody writes, takes the whole queue (within bounds), gives the batches their
/// offsets, writes once, makes all of it visible, and wakes the others with their outcome. A
/// transaction that may not be written (fenced, over the disk bound) leaves the queue alone.
///
/// After a write that failed, whoever leads next opens the log again first. A transaction whose
/// outcome was not known is not written twice: its owner tries it again, and is told that it is in
/// if it is.
///
/// Thread-safe. Refers to its arguments.
class committer {
public:
  /// A transaction that failed and may be in the log all the same.
  struct unresolved_commit {
    std::uint64_t failure = 0;
    std::size_t hash = 0;  ///< of its content: another transaction is another one
  };
  /// One of its owner calls it at a time.
  struct identity {
    std::string id;
    std::uint64_t epoch = 0;
    std::optional<unresolved_commit> unresolved = {};
  };

  committer(const options& wanted, storage& disk, topic_table& topics, const clock& time);

  /// The only owner of that name from now on. Waits for what an earlier owner has in the works.
  identity acquire(const std::string& transactional_id);
  /// A retriable error promises nothing yet: the same transaction, tried again, succeeds without
  /// being written twice.
  result<void> commit(identity& owner, const transaction& changes);

  /// Writes changes that are nobody's transaction, between those of the others; synced.
  result<void> write_alone(write_set& changes);
  /// Opens the log again if a write has failed.
  result<void> resume_parked();

  disk_budget& budget() noexcept { return budget_; }
  const disk_budget& budget() const noexcept { return budget_; }

private:
  struct prepared_output {
    partition_log* partition;
    topic_state* topic;
    std::shared_ptr<stored_batch> batch;
  };
  struct pending {
    identity* owner;
    const transaction* changes;
    std::vector<prepared_output> outputs;
    std::size_t bytes = 0;
    std::optional<error> failure;
    bool is_done = false;
  };

  result<void> prepare(pending& mine) const;
  result<void> prepare_outputs(pending& mine) const;
  /// What one thread does at a time, without the lock.
  template <class F>
  auto alone(F&& f);
  void lead(std::unique_lock<std::mutex>& lock);
  std::vector<topic_state*> lead_group(const std::vector<pending*>& group);
  result<void> revive_alone();
  static void fail(const std::vector<pending*>& group, const write_failure& failure);
  std::vector<pending*> take_group(const result<void>& resumed);
  bool is_in_already(pending& candidate);
  std::optional<error> refusal(const pending& candidate);
  cloudflow::result<void, write_failure> write(const std::vector<pending*>& group);
  void place(prepared_output& output, timestamp now);
  void put_changes(const transaction& changes);
  std::vector<topic_state*> publish(const std::vector<pending*>& group);
  void note_positions(const transaction& changes);

  const options& options_;
  storage& disk_;
  topic_table& topics_;
  const clock& time_;
  disk_budget budget_;

  std::mutex mutex_;  // down to writes_
  std::condition_variable changed_;
  std::deque<pending*> queue_;
  std::map<std::string, std::uint64_t, std::less<>> epochs_;
  bool is_writing_ = false;
  std::uint64_t writes_ = 0;  // that have ended

  // Of whoever leads; is_writing_ hands it over.
  write_set changes_;
  byte_writer key_, value_;
  std::map<const partition_log*, log_place> staged_;
  std::deque<std::pair<partition_log*, std::size_t>> tail_order_;
  std::size_t tail_bytes_ = 0;
  bool is_stale_ = false;  ///< the log was opened again and its topics are not recovered yet
};

}  // namespace cloudflow::pubsub::embedded
