/// The boundary between a typed pipeline and the runtime that drives it. Nothing here is a template over record
/// types: batches of bytes go in with one virtual call each, changes come out.
#pragma once

#include "cloudflow/base/record.hpp"
#include "cloudflow/base/time.hpp"
#include "cloudflow/flow/state_changes.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudflow::flow {

/// Records of one partition of one inlet, in order. `inlet` is the index of the inlet in its streamlet.
struct batch {
  std::size_t inlet = 0;
  std::span<const record_view> records;
};

/// Header of a record whose schema is not its topic's base schema: the first 8 bytes of the schema's fingerprint.
inline constexpr std::string_view schema_header_name = "cloudflow-schema";

/// What a task has written to one outlet since the last commit: one buffer for each partition of its topic.
/// Confined to one thread.
class outlet_buffer {
public:
  /// `schema_header`: first bytes of the fingerprint, put on every record; empty where the records have the topic's
  /// base schema and need no header.
  explicit outlet_buffer(std::int32_t partitions, std::string schema_header = {})
    : by_partition_(static_cast<std::size_t>(partitions)),
      schema_header_(std::move(schema_header)) {}

  /// Appends to the partition of `key`; without key (`key.data() == nullptr`) to one after the other.
  /// `write_value` appends to the writer it gets.
  template <class WriteValue>
  void append(std::string_view key, WriteValue&& write_value) {
    append_to(partition_for(key), key, std::forward<WriteValue>(write_value));
  }
  /// The partition of a key; without key one after the other.
  std::size_t partition_for(std::string_view key) noexcept;
  /// As append(), where the partition is known.
  template <class WriteValue>
  void append_to(std::size_t partition, std::string_view key, WriteValue&& write_value) {
    auto& records = by_partition_[partition];
    records.append(
        key.data() != nullptr, [key](byte_writer& w) { w.put_raw(key); },
        std::forward<WriteValue>(write_value));
    if (!schema_header_.empty()) records.add_header(schema_header_name, schema_header_);
    if (records.last_size() > max_record_bytes_) [[unlikely]]
      refuse_last(records);
    ++appended_;
  }
  /// Appends to every partition, without key.
  template <class WriteValue>
  void append_to_each(WriteValue&& write_value) {
    for (auto& records : by_partition_) {
      records.append(
          false, [](byte_writer&) {}, write_value);
      if (!schema_header_.empty()) records.add_header(schema_header_name, schema_header_);
      ++appended_;
    }
  }
  /// From now on append() throws `std::length_error` for a larger record.
  void set_limit(const std::string& topic, std::size_t max_record_bytes) {
    topic_ = topic;
    max_record_bytes_ = max_record_bytes;
    has_refused_ = false;
  }
  /// A record was too large, since the limit was set.
  bool has_refused() const noexcept { return has_refused_; }
  /// Scratch space for a key that has to be put together.
  byte_writer& key_space() noexcept {
    key_space_.clear();
    return key_space_;
  }
  std::span<const record_buffer> by_partition() const noexcept { return by_partition_; }
  /// Records since the last `clear()`.
  std::uint64_t size() const noexcept { return appended_; }
  std::size_t byte_size() const noexcept;
  void clear() noexcept;
  /// Moves the records to `to`, which is empty, and takes its buffers in exchange.
  void hand_over(outlet_buffer& to) noexcept {
    std::swap(by_partition_, to.by_partition_);
    std::swap(appended_, to.appended_);
  }

private:
  [[noreturn]] void refuse_last(record_buffer& records);

  std::vector<record_buffer> by_partition_;
  std::string schema_header_, topic_;
  std::size_t max_record_bytes_ = std::numeric_limits<std::size_t>::max();
  bool has_refused_ = false;
  byte_writer key_space_;
  std::uint64_t appended_ = 0;
  std::size_t next_without_key_ = 0;
};

/// A record that will not be processed: it goes where its inlet's policy says.
struct rejected_record {
  std::size_t inlet = 0;
  record_offset offset;
  std::string key, value;
  std::string reason;
  bool is_decodable = true;  ///< the value is a record in the inlet's schema
  bool has_key = true, has_value = true;
  std::vector<std::pair<std::string, std::string>> headers = {};  ///< of the record, as it came
};
rejected_record rejected(std::size_t inlet, const record_view& record, std::string reason,
                         bool is_decodable);

/// What a task has to say beside its changes. Summed over tasks when somebody asks.
struct counters {
  std::uint64_t records_in = 0;
  std::uint64_t records_late = 0;  ///< dropped because their window had closed
  timestamp watermark =
      timestamp::min();  ///< of the windows, if it has advanced since this was read
};

/// Everything that one task has to make durable together with its positions. Stages write into it at any time, but
/// into `state` mostly in `program::save()`. They keep the address of it and of its `outputs`.
struct changes {
  std::vector<outlet_buffer> outputs;  ///< one for each outlet of the streamlet
  state_changes state;
  std::vector<rejected_record> rejected;
  std::vector<std::function<void()>> when_durable;  ///< for example: answer 202 to a client
  counters count;
  /// State has changed that `program::save()` will add; it may be all that there is to commit.
  bool has_unsaved_state = false;
  /// A record is being worked off in parts: feed no further one, call `program::resume`.
  bool is_suspended = false;

  std::size_t byte_size() const noexcept;
  bool empty() const noexcept;
  void clear();
  /// Moves what has to be made durable to `to`, which is empty, and takes its buffers in exchange. Pointers to the
  /// elements of `outputs` go on to be those of this one.
  void hand_over(changes& to);
};

}  // namespace cloudflow::flow

namespace cloudflow {
/// Thrown by an author's code when something outside fails and no record is to blame (a disk, a server): the task drops
/// what is not committed and starts again from its last commit, later and later.
struct try_again : std::runtime_error {
  using std::runtime_error::runtime_error;
};
}  // namespace cloudflow

namespace cloudflow::flow {

/// A streamlet's durable state as of the last commit. Throws `storage_failure` when it cannot be read.
class store_reader {
public:
  virtual ~store_reader() = default;
  virtual std::optional<std::string> find(std::size_t store, std::string_view key) const = 0;
  /// In the order of the keys' bytes; `f` returns false to stop, its arguments are valid during the call.
  virtual void scan(
      std::size_t store, std::string_view prefix,
      const std::function<bool(std::string_view key, std::string_view value)>& f) const = 0;
};

/// State could not be read.
struct storage_failure : try_again {
  using try_again::try_again;
};

/// An exception from the author's code, with the record it was thrown for.
struct record_failure : std::runtime_error {
  record_failure(std::size_t inlet_index, record_offset at, const char* what)
    : std::runtime_error(what), inlet(inlet_index), offset(at) {}
  std::size_t inlet;
  record_offset offset;
};

/// Calls `each(const record_view&)` for one record after the other, until the batch ends or one suspends; gives how many
/// were begun. What it throws becomes a record_failure, but for try_again.
template <class Each>
std::size_t for_each_record(const batch& b, const changes& out, Each each) {
  std::size_t begun = 0;
  try {
    for (const auto& r : b.records) {
      ++begun;
      each(r);
      if (out.is_suspended) [[unlikely]]
        break;
    }
  } catch (const try_again&) {
    throw;
  } catch (const std::exception& e) {
    throw record_failure(b.inlet, b.records[begun - 1].offset, e.what());
  }
  return begun;
}

enum class source_status {
  idle,      ///< nothing there now
  produced,  ///< call again
  ended,     ///< there will never be more
};

/// A streamlet's logic, bound and fused. Confined to one thread. After an exception, or when its changes were not
/// committed, it is discarded and built anew.
///
/// Records go on while a commit is under way:
///
///     run ... save  run ...  committed  run ... save  run ...  committed
///             |_ the commit takes what the changes hold now, with the positions of this moment
///
/// `save()` comes again only after `committed()`. Between the two a store shows the state before the commit or behind
/// it, from one read to the next. So a stage reads nothing there that it has saved since the last `committed()`: it
/// keeps it. In `committed()` it forgets at most what it has not changed since it was saved. What has changed since
/// belongs to the next save, also where it takes back what was saved. Sizes stay bounded by what changes between two
/// commits.
class program {
public:
  virtual ~program() = default;
  /// Reads what has to be known before the first record. Called once, first.
  virtual void load() = 0;
  /// Processes records until the batch ends or one suspends; returns how many were begun.
  /// Throws record_failure or try_again.
  virtual std::size_t run(const batch& records) = 0;
  /// Does the next part of the suspended record.
  virtual void resume() = 0;
  /// Source functions: takes in what there is.
  virtual source_status poll() = 0;
  /// Lets time pass: what waits for the clock (a retry) goes on. True while something still waits.
  virtual bool tick(timestamp now) = 0;
  /// The inlet has been read to its end and has had nothing for the idle timeout: nobody need wait for its event time.
  /// Called again after each idle timeout for which that goes on.
  virtual void rest(std::size_t inlet) = 0;
  /// The input has ended: the watermark jumps to the end and open windows fire.
  virtual void finish() = 0;
  /// Adds the state changed since the last save. @pre what was saved before is committed.
  virtual void save() = 0;
  /// What was saved is durable, and stores show it.
  virtual void committed() = 0;
};

/// Records at a key_by() that may have to move to another task.
struct moved_record {
  std::string_view type;                 ///< as C++ calls it
  std::string_view schema_name, schema;  ///< empty: it has none, so that it cannot be moved
};

/// What a stage keeps in a state: for the descriptor, and for recognising a store that was written otherwise.
struct store_use {
  std::string_view key_schema;                 ///< text
  std::string window;                          ///< `tumbling 120000 ms`; empty: none
  std::optional<std::size_t> from_inlet = {};  ///< none: its records come from a source
  std::optional<moved_record> record = {};     ///< of stages behind a key_by()
};

/// The internal topic through which the records of a state come: one more inlet and outlet, behind those that are
/// members (see repartition.hpp).
struct repartition_place {
  std::size_t state = 0, inlet = 0, outlet = 0;  ///< indexes
};

/// What a streamlet keeps from commit to commit.
struct store_needs {
  std::vector<store_use> states;  ///< in the order of the streamlet's members
  bool has_watermarks = false;
  bool any() const noexcept { return !states.empty() || has_watermarks; }
};

/// What a pipeline is bound to when a task starts: where its ports are, where its changes go, what it may read.
class wiring {
public:
  using members = std::span<const void* const>;
  struct surroundings {
    changes* out = nullptr;
    const store_reader* stores = nullptr;
    const clock* time = nullptr;
    std::function<void()> wake;  ///< tells the worker that a source has something; thread-safe
    /// Keys that a stage holds in memory at most, beside those that change between two commits.
    std::size_t max_cached = 100'000;
    std::vector<repartition_place> repartitions = {};
    std::int32_t partition = 0;  ///< of the task
    /// How often program::rest is called while an inlet has nothing.
    std::chrono::milliseconds idle_timeout{60'000};
  };

  wiring(members inlets, members outlets, members states, surroundings around);

  /// All throw `std::invalid_argument` with a sentence if the member is not one of this streamlet, inlet() and
  /// state() also if it is used twice.
  std::size_t inlet(const void* port, std::string_view name);
  outlet_buffer* outlet(const void* port, std::string_view name);
  std::size_t state(const void* member, std::string_view name, store_use use);
  /// What follows is of no inlet.
  void leave_inlets() noexcept { from_inlet_.reset(); }
  /// Records on their way from the inlet mentioned last to this state, which has been mentioned; where they move to,
  /// null if they stay.
  const repartition_place* moves(const void* state, moved_record record);
  /// Stores behind those that are members: parked records of state `s`, and the watermarks.
  std::size_t parked_store(std::size_t state) const noexcept { return states_.size() + state; }
  std::size_t watermark_store() const noexcept { return 2 * states_.size(); }
  /// Watermarks are kept in the order in which the pipelines mention event time.
  std::size_t next_watermark() noexcept { return watermarks_++; }

  changes& out() const noexcept { return *around_.out; }
  const store_reader& stores() const noexcept { return *around_.stores; }
  const clock& time() const noexcept { return *around_.time; }
  std::size_t max_cached() const noexcept { return around_.max_cached; }
  const std::function<void()>& wake() const noexcept { return around_.wake; }
  std::int32_t partition() const noexcept { return around_.partition; }
  std::chrono::milliseconds idle_timeout() const noexcept { return around_.idle_timeout; }

  store_needs needs() const { return {uses_, watermarks_ != 0}; }
  /// Throws if a port or a state of the streamlet is used by no pipeline. `names` gives inlets, outlets, states.
  void expect_all_used(const std::vector<std::string>& names) const;

private:
  members inlets_, outlets_, states_;
  surroundings around_;
  std::vector<bool> read_, written_, kept_;
  std::vector<store_use> uses_;
  std::optional<std::size_t> from_inlet_;
  std::size_t watermarks_ = 0;
};

}  // namespace cloudflow::flow
