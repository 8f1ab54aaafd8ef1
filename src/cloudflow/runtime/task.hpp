#pragma once

#include "cloudflow/runtime/dead_letters.hpp"
#include "cloudflow/runtime/idleness_monitor.hpp"
#include "cloudflow/runtime/metrics.hpp"
#include "cloudflow/runtime/source.hpp"
#include "cloudflow/runtime/streamlet_instance.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
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
/// commit is under way. Confined to its worker, but for what is said to be thread-safe.
class task {
public:
  enum class activity { idle, waiting, worked };

  task(const streamlet_instance& streamlet, std::int32_t partition, const clock& time,
       const task_options& options, const std::atomic<bool>& must_leave,
       std::function<void()> wake);
  ~task();
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
  bool is_committing() const noexcept { return is_committing_; }
  void committed();
  /// The commit failed for good: start again from the last one; at once if partitions have merely
  /// moved.
  void abandon(const pubsub::error& e);
  bool has_changes() const noexcept;
  /// A partition has to go, and waits for a commit.
  bool is_urgent() const noexcept { return has_leaving() || run_alone_ != 0; }
  std::size_t uncommitted_bytes() const noexcept { return changes_.byte_size(); }

  /// The input has ended: the next step with a partition fires what is open. Thread-safe.
  void request_finish() noexcept { must_finish_.store(true, std::memory_order_release); }

  /// Since the last call: it has started again behind a request_finish() that was done, and has
  /// forgotten that the input has ended. Thread-safe.
  bool take_lost_end() noexcept { return has_lost_end_.exchange(false, std::memory_order_acq_rel); }

  const streamlet_instance& streamlet() const noexcept { return *streamlet_; }
  /// Thread-safe.
  task_status status() const;
  /// Nothing to do and nothing uncommitted, when it was last stepped. Thread-safe.
  bool is_idle() const noexcept {
    return is_idle_.load(std::memory_order_acquire) &&
           !(must_finish_.load(std::memory_order_acquire) &&
             has_partition_.load(std::memory_order_acquire));
  }
  /// The partitions it has, and what it has committed of them. Thread-safe.
  std::vector<std::pair<pubsub::topic_partition, record_offset>> positions() const;
  std::uint64_t commits() const noexcept {
    return metrics_.commits.load(std::memory_order_acquire);
  }
  /// Neither failed nor still to be started; true of a task without partition. Thread-safe.
  bool is_running() const noexcept { return is_running_.load(std::memory_order_acquire); }

private:
  class store_view;
  // -- partitions ---
  bool has_inlets() const noexcept { return !streamlet_->plan->inlets.empty(); }
  bool has_leaving() const noexcept;
  std::optional<std::string> missing_topic() const;
  bool has_what_it_needs() const { return !sources_.empty() && !missing_topic(); }
  /// Sources have no partitions: the first task of a streamlet has them.
  bool owns_sources() const noexcept { return !has_inlets() || partition_ == 0; }
  void drain_assignments();
  void add(const source_event& e);
  bool find_positions();
  void give_up(const source_event& e);
  void release_leaving();
  bool restore();

  // -- work ---
  activity step_safely(timestamp now);
  activity step_chain(timestamp now);
  activity resume();
  bool run_source(source& s, timestamp now);
  bool fill(source& s, timestamp now);
  void run_some(source& s, std::span<const record_view> records);
  void reject_suspects(source& s) const;
  std::span<const record_view> run_at_once(const source& s, std::span<const record_view> records);
  bool finish();
  void count();
  void mark_idle_inlets(timestamp now);

  // -- failure ---
  void build();
  void halt();
  void drop();
  void rewind();
  void fail(timestamp now, const std::string& reason);

  // -- what cannot be processed ---
  void blame(const flow::failure& f, timestamp now);
  void quarantine_record(const flow::failure& f);
  bool has_raised_limit();
  void dead_letter(source& s, const std::pair<const record_offset, bad_record>& bad);
  void look_at_rejected();

  // -- commit ---
  void collect_outputs(pubsub::transaction& into) const;
  void forget_moved();

  const streamlet_instance* streamlet_;
  std::int32_t partition_;
  const clock* time_;
  task_options options_;
  const std::atomic<bool>* must_leave_;
  std::function<void()> wake_;
  std::unique_ptr<store_view> stores_;

  mutable std::mutex mutex_;  // guards pending_assignments_, failure_; and sources_ against readers
                              // in other threads
  std::vector<source_event> pending_assignments_;
  std::atomic<bool> has_pending_assignments_{false};
  std::string failure_;
  std::vector<std::unique_ptr<source>> sources_;
  bool is_restored_ = false;

  flow::changes changes_;
  std::size_t looked_at_ = 0;  ///< how many of `changes_.rejected` have been looked at
  flow::quarantine quarantine_;
  flow::source_registry author_sources_;
  std::unique_ptr<flow::operator_chain> chain_;
  bool is_suspended_ = false;  ///< the chain holds work
  std::size_t run_alone_ = 0;  ///< so many records are run and committed one by one
  bool waits_for_clock_ = false;
  std::chrono::nanoseconds forgot_at_{0};
  std::vector<idleness_monitor> idleness_;  ///< by inlet; none where nobody waits for others
  bool has_finished_ = false;               ///< since it was built
  bool holds_end_ = false;                  ///< has committed what the end of the input has fired
  std::vector<std::size_t> outlet_limits_;

  flow::changes in_flight_;
  dead_letters dead_letters_;
  bool is_committing_ = false;
  bool must_rewind_ = false;  ///< when the commit under way has ended
  bool must_find_positions_ =
      false;  ///< whether the last commit has been done, before anything else

  int failures_in_a_row_ = 0;
  std::optional<timestamp> restart_at_;

  task_metrics metrics_;
  std::atomic<bool> is_idle_{false}, is_running_{false}, is_restoring_{false}, must_finish_{false},
      has_lost_end_{false};
  std::atomic<bool> has_partition_;  ///< of all topics that it needs it of, or needs none
};

}  // namespace cloudflow::runtime
