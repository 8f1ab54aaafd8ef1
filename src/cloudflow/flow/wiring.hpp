/// What a pipeline is bound to when a task starts, and what it needs.
#pragma once

#include "cloudflow/flow/boundary.hpp"
#include "cloudflow/flow/source_registry.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cloudflow::flow {

/// Records at a key_by() that may have to move to another task.
struct moved_record {
  std::string_view type;                 ///< as C++ calls it
  std::string_view schema_name, schema;  ///< empty: it has none, so that it cannot be moved
  /// The field of its inlet's record that its key is; empty: the key is something else, or the
  /// record is not as it came, or has moved by another key before.
  std::string_view inlet_field;
};

/// What a stage keeps in a state: for the descriptor, and for recognising a store that was written
/// otherwise.
struct store_use {
  std::string_view key_schema;                 ///< text
  std::string window;                          ///< `tumbling 120000 ms`; empty: none
  std::optional<std::size_t> from_inlet = {};  ///< none: its records come from a source
  std::optional<moved_record> record = {};     ///< of stages behind a key_by()
  std::string_view parked_schema = {};         ///< text, of records that an expansion holds
};

/// The internal topic through which the records of a state come: one more inlet and outlet, behind
/// those that are members (see repartition.hpp).
struct repartition_ports {
  std::size_t state = 0, inlet = 0, outlet = 0;  ///< indexes
};

/// What a streamlet keeps from commit to commit.
struct store_needs {
  std::vector<store_use> states;  ///< in the order of the streamlet's members
  bool has_watermarks = false;
  std::size_t sources = 0;  ///< of the author's
  bool any() const noexcept { return !states.empty() || has_watermarks; }
};

/// What a pipeline is bound to when a task starts: where its ports are, where its changes go, what
/// it may read.
class wiring {
public:
  using members = std::span<const void* const>;
  struct dependencies {
    changes* out = nullptr;
    const stores::store_reader* stores = nullptr;
    const clock* time = nullptr;
    std::function<void()> wake = {};  ///< tells the worker that a source has something; thread-safe
    source_registry* sources = nullptr;  ///< null: of a pipeline that will not run
    const quarantine* bad = nullptr;     ///< null: nothing is known to be bad
    /// Set when the executor wants the thread back. Null: never.
    const std::atomic<bool>* must_leave = nullptr;
    /// Keys that a stage holds in memory at most, beside those that change between two commits.
    std::size_t max_cached = 100'000;
    std::vector<repartition_ports> repartitions = {};
    std::int32_t partition = 0;  ///< of the task
    /// Its inlets have several partitions: which one a record is in depends on its key.
    bool is_partitioned = false;
    /// How often operator_chain::mark_idle is called while an inlet has nothing.
    std::chrono::milliseconds idle_timeout{60'000};
  };

  wiring(members inlets, members outlets, members states, dependencies around);

  /// All throw `std::invalid_argument` with a sentence if the member is not one of this streamlet,
  /// inlet() and state() also if it is used twice.
  std::size_t inlet(const void* port, std::string_view name);
  outlet_buffer* outlet(const void* port, std::string_view name);
  std::size_t state(const void* member, std::string_view name, store_use use);
  /// What follows is of no inlet.
  void leave_inlets() noexcept { from_inlet_.reset(); }
  /// Records on their way from the inlet mentioned last to this state, which has been mentioned;
  /// where they move to, null if they stay.
  const repartition_ports* moves(const void* state, moved_record record);
  /// Stores behind those that are members: parked records of state `s`, and the watermarks.
  std::size_t parked_store(std::size_t state) const noexcept { return states_.size() + state; }
  std::size_t watermark_store() const noexcept { return 2 * states_.size(); }
  /// What the watermark of an event time is kept by: the inlet that its records come from, and
  /// which one of that inlet's it is. The order of pipelines is of no account, but for those of
  /// sources.
  std::string next_watermark();

  changes& out() const noexcept { return *dependencies_.out; }
  const stores::store_reader& stores() const noexcept { return *dependencies_.stores; }
  const clock& time() const noexcept { return *dependencies_.time; }
  std::size_t max_cached() const noexcept { return dependencies_.max_cached; }
  const std::function<void()>& wake() const noexcept { return dependencies_.wake; }
  source_registry* sources() const noexcept { return dependencies_.sources; }
  const quarantine& bad() const noexcept;
  const std::atomic<bool>& must_leave() const noexcept;
  /// Sources are numbered in the order in which the pipelines mention them.
  std::size_t next_source() noexcept { return sources_++; }
  bool is_partitioned() const noexcept { return dependencies_.is_partitioned; }
  std::int32_t partition() const noexcept { return dependencies_.partition; }
  std::chrono::milliseconds idle_timeout() const noexcept { return dependencies_.idle_timeout; }

  store_needs needs() const { return {uses_, watermarks_ != 0, sources_}; }
  /// A sentence for each port and state of the streamlet that is used by no pipeline. `names` gives
  /// inlets, outlets, states.
  std::vector<std::string> unused(const std::vector<std::string>& names) const;

private:
  members inlets_, outlets_, states_;
  dependencies dependencies_;
  std::vector<bool> read_, written_, kept_;
  std::vector<store_use> uses_;
  std::optional<std::size_t> from_inlet_;
  std::string from_inlet_name_;
  std::map<std::string, std::size_t> watermarks_of_;  ///< by inlet; how many
  std::size_t watermarks_ = 0, sources_ = 0;
};

}  // namespace cloudflow::flow
