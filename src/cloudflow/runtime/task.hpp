#pragma once

#include "cloudflow/runtime/assigned_sources.hpp"
#include "cloudflow/runtime/chain_driver.hpp"
#include "cloudflow/runtime/commit_in_flight.hpp"
#include "cloudflow/runtime/dead_letters.hpp"
#include "cloudflow/runtime/end_of_input.hpp"
#include "cloudflow/runtime/metrics.hpp"
#include "cloudflow/runtime/restart_delay.hpp"
#include "cloudflow/runtime/source_reader.hpp"
#include "cloudflow/runtime/streamlet_instance.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace cloudflow::runtime {

struct task_options {
  pubsub::fetch_limits fetch;
  std::chrono::milliseconds first_restart_delay{500};
  std::chrono::milliseconds longest_restart_delay{30'000};
  /// How often the log is told which records of repartition topics have been processed.
  std::chrono::milliseconds forget_interval{30'000};
};

/// The unit of work: one streamlet on one partition of its inlets, with the state of that
/// partition.
///
/// A task works when it has a partition (sources have none, and always work). It never stops on its
/// own: when the author's code fails it drops what is not committed, and starts again from the last
/// commit, after a delay where the failure is not the fault of one record. It works on while a
/// commit is under way. Here is the order of these things; what each of them takes is a part of its
/// own. Confined to its worker, but for what is said to be thread-safe.
class task {
public:
  enum class activity { idle, waiting, worked };

  task(const streamlet_instance& streamlet, std::int32_t partition, const clock& time,
       const task_options& options, const std::atomic<bool>& must_leave,
       std::function<void()> wake);
  task(const task&) = delete;
  task& operator=(const task&) = delete;

  /// A partition comes, or has to go. Thread-safe; the next step() looks at it.
  void post(const source_event& e);

  /// Does a bounded amount of work: a batch per source, or a part of a record.
  /// `waiting`: something is due later (a retry), or the task waits after a failure.
  activity step(timestamp now);

  /// Adds what has to be committed to `into`, which borrows it until `committed` or `abandon`.
  /// Nothing if there is nothing new. One commit at a time; the task may step meanwhile.
  void collect(pubsub::transaction& into);
  bool is_committing() const noexcept { return commit_.is_open(); }
  void committed();
  /// The commit failed for good: start again from the last one; at once if partitions have merely
  /// moved.
  void abandon(const pubsub::error& e);
  bool has_changes() const noexcept;
  /// Something waits for a commit: a partition that has to go, or the next record, where each is
  /// committed alone.
  bool is_urgent() const noexcept { return sources_.has_leaving() || reader_.runs_alone(); }
  std::size_t uncommitted_bytes() const noexcept { return chain_.done().byte_size(); }

  /// The input has ended: the next step with a partition fires what is open. Thread-safe.
  void request_finish() noexcept { end_.request(); }

  /// Since the last call: it has started again behind a request_finish() that was done, and has
  /// forgotten that the input has ended. Thread-safe.
  bool take_lost_end() noexcept { return end_.take_lost(); }

  const streamlet_instance& streamlet() const noexcept { return *streamlet_; }
  /// Thread-safe.
  task_status status() const;
  /// Nothing to do and nothing uncommitted, when it was last stepped. Thread-safe.
  bool is_idle() const noexcept {
    return is_idle_.load(std::memory_order_acquire) &&
           !(end_.is_requested() && has_partition_.load(std::memory_order_acquire));
  }
  /// The partitions it has, and what it has committed of them. Thread-safe.
  std::vector<std::pair<pubsub::topic_partition, record_offset>> positions() const {
    return sources_.positions();
  }
  std::uint64_t commits() const noexcept {
    return metrics_.commits.load(std::memory_order_acquire);
  }
  /// Neither failed nor still to be started; true of a task without partition. Thread-safe.
  bool is_running() const noexcept { return is_running_.load(std::memory_order_acquire); }

private:
  // -- partitions ---
  bool has_inlets() const noexcept { return !streamlet_->plan->inlets.empty(); }
  void take_assignments();
  void give_up(const source_event& e);
  void release_leaving();
  bool find_positions();
  bool restore();

  // -- work ---
  activity step_safely(timestamp now);
  activity step_chain(timestamp now);
  activity resume();
  bool run_source(source& s, timestamp now);
  void run_some(source& s, std::span<const record_view> records);
  void reject(source& s, const std::pair<const record_offset, bad_record>& bad);
  void check_rejected() { dead_letters_.check(chain_.done().rejected); }
  bool finish();
  void count();

  // -- failure ---
  void build();
  void halt();
  void drop();
  void rewind();
  void fail(timestamp now, const std::string& reason);
  void blame(const flow::failure& f, timestamp now);
  void quarantine(const flow::failure& f);

  const streamlet_instance* streamlet_;
  std::int32_t partition_;
  const clock* time_;
  task_options options_;
  std::function<void()> wake_;

  assigned_sources sources_;
  source_reader reader_;
  dead_letters dead_letters_;
  chain_driver chain_;
  commit_in_flight commit_;
  restart_delay restart_;
  end_of_input end_;
  task_metrics metrics_;

  bool is_restored_ = false;
  bool must_rewind_ = false;          ///< when the commit under way has ended
  bool must_find_positions_ = false;  ///< whether the last commit has been done, before all else

  mutable std::mutex mutex_;  // guards failure_
  std::string failure_;
  std::atomic<bool> is_idle_{false}, is_running_{false}, is_restoring_{false};
  std::atomic<bool> has_partition_;  ///< of all topics that it needs it of, or needs none
};

}  // namespace cloudflow::runtime
