#pragma once

#include "cloudflow/blueprint/plan.hpp"
#include "cloudflow/runtime/input.hpp"
#include "cloudflow/runtime/metrics.hpp"
#include "cloudflow/runtime/schema_reader.hpp"
#include "cloudflow/streamlet/context.hpp"
#include "cloudflow/streamlet/definition.hpp"

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace cloudflow::runtime {

/// What one streamlet is in this process, shared by its tasks. Immutable once the runtime has started.
struct streamlet_instance {
  const blueprint::streamlet_plan* plan = nullptr;
  const streamlet_definition* definition = nullptr;
  deployment where;
  std::vector<std::unique_ptr<input>> inputs;  ///< one per inlet
  std::vector<std::string> outlet_topics;
  std::vector<std::int32_t> outlet_partitions;
  std::vector<std::string>
      outlet_schema_headers;  ///< empty where the topic's base schema is the outlet's
  std::vector<std::string>
      inlet_schema_headers;                 ///< of dead letters, which have the inlet's schema
  std::vector<schema_reader> readers;       ///< one per inlet
  std::vector<flow::store_use> store_uses;  ///< with the parameters' real values
  std::vector<std::string> store_names;     ///< as the log knows them; order of flow::wiring
};

struct task_options {
  pubsub::fetch_limits fetch;
  std::chrono::milliseconds first_restart_delay{500};
  std::chrono::milliseconds longest_restart_delay{30'000};
};

/// The unit of work: one streamlet on one partition of its inlets, with the state of that partition.
///
/// A task never stops on its own: when the author's code fails it drops what is not committed, and starts again from
/// the last commit, after a delay where the failure is not the fault of one record. Confined to its worker, but for
/// what is said to be thread-safe.
class task {
public:
  enum class activity { idle, waiting, worked };

  task(const streamlet_instance& streamlet, std::int32_t partition,
       const pubsub::state_reader& stores, const clock& time, const task_options& options,
       std::function<void()> wake);
  ~task();
  task(const task&) = delete;
  task& operator=(const task&) = delete;

  /// Reads from `next` on; called before the first step, once per inlet that has this partition.
  void assign(std::size_t inlet, record_offset next);

  /// Does a bounded amount of work: a batch per inlet, or a part of a record.
  /// `waiting`: something is due later (a retry), or the task waits after a failure.
  activity step(timestamp now);

  /// What has to be committed, as parts of one transaction; none if there is nothing new. The task must not step
  /// until `committed` or `abandon`.
  void collect(pubsub::transaction& into);
  void committed();
  /// The commit failed for good: start again from the last one.
  void abandon(const std::string& reason);
  bool has_changes() const noexcept;
  std::size_t uncommitted_bytes() const noexcept;

  /// The input has ended: the next step fires what is open. Thread-safe.
  void request_finish() noexcept { must_finish_.store(true, std::memory_order_release); }

  const streamlet_instance& streamlet() const noexcept { return *streamlet_; }
  /// Thread-safe.
  task_status status() const;
  /// Nothing to do and nothing uncommitted, when it was last stepped. Thread-safe.
  bool is_idle() const noexcept {
    return is_idle_.load(std::memory_order_acquire) &&
           !must_finish_.load(std::memory_order_acquire);
  }
  /// All that is in its inlets has been read and committed. Thread-safe.
  bool has_read_everything() const;
  std::uint64_t commits() const noexcept {
    return metrics_.commits.load(std::memory_order_acquire);
  }
  /// Neither failed nor still to be started. Thread-safe.
  bool is_running() const noexcept { return is_running_.load(std::memory_order_acquire); }

private:
  struct source {
    std::size_t inlet = 0;
    record_offset committed, next;
    std::atomic<std::int64_t> position{0};  ///< `committed`, for other threads
    pubsub::record_batch batch;
    std::span<const record_view> left;  ///< of `batch`
    schema_reader::scratch decoded;
    /// A record that makes the author's code throw, and what it threw.
    std::optional<std::pair<record_offset, std::string>> poison;
  };
  class store_view;

  activity step_program(timestamp now);
  void finish();
  void refuse_rejected() const;
  /// Sources have no partitions: the first task of a streamlet has them.
  bool owns_sources() const noexcept { return partition_ == 0; }
  activity work_off_suspended();
  bool run_source(source& s);
  bool fill(source& s);
  void run_some(source& s, std::span<const record_view> records);
  static void take_off(source& s, std::size_t count);
  void reject(source& s, const record_view& r, const std::string& reason);
  void build();
  void drop();
  void fail(timestamp now, const std::string& reason);
  void poisoned(std::size_t inlet, record_offset at, timestamp now, const std::string& reason);
  source* source_of(std::size_t inlet);
  void collect_outputs(pubsub::transaction& into);
  void collect_rejected(pubsub::transaction& into);
  void count();

  const streamlet_instance* streamlet_;
  std::int32_t partition_;
  const clock* time_;
  task_options options_;
  std::function<void()> wake_;
  std::unique_ptr<store_view> stores_;

  flow::changes changes_;
  std::unique_ptr<flow::program> program_;
  std::vector<std::unique_ptr<source>> sources_;
  std::map<std::string, record_buffer> dead_letters_;
  bool waits_for_clock_ = false;
  bool is_saved_ = false;

  int failures_in_a_row_ = 0;
  std::optional<timestamp> restart_at_;

  task_metrics metrics_;
  std::atomic<bool> is_idle_{false}, is_running_{false}, must_finish_{false};
  mutable std::mutex failure_mutex_;  // guards failure_
  std::string failure_;
};

}  // namespace cloudflow::runtime
