/// The one interface to a durable log: the embedded one on RocksDB, and Kafka.
#pragma once

#include "cloudflow/pubsub/error.hpp"
#include "cloudflow/pubsub/topic.hpp"
#include "cloudflow/pubsub/transaction.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudflow::pubsub {

/// Records of one partition, in order, with the bytes that they borrow from. Movable; the views
/// stay valid while the batch (or the batch it was moved into) lives.
class record_batch {
public:
  record_batch() = default;
  /// `owner` keeps the bytes that `records` borrow from.
  record_batch(std::shared_ptr<const void> owner, std::vector<record_view> records)
    : owner_(std::move(owner)), records_(std::move(records)) {
    if (!records_.empty()) next_ = records_.back().offset + 1;
  }
  /// `next`: where reading goes on, which is not behind the last record where the log has offsets
  /// without records (marks of transactions, aborted and compacted records).
  record_batch(std::shared_ptr<const void> owner, std::vector<record_view> records,
               record_offset next)
    : owner_(std::move(owner)), records_(std::move(records)), next_(next) {}
  std::span<const record_view> records() const noexcept { return records_; }
  bool empty() const noexcept { return records_.empty(); }
  /// The offset behind this batch; none: nothing was read at all.
  std::optional<record_offset> next() const noexcept { return next_; }

private:
  std::shared_ptr<const void> owner_;
  std::vector<record_view> records_;
  std::optional<record_offset> next_;
};

/// Bounds of one read. A single record larger than `max_bytes` is still returned, alone.
struct fetch_limits {
  std::size_t max_records = 1024;
  std::size_t max_bytes = 256 * 1024;
};

/// Which schemas stand behind the records: fingerprint (SHA-256, 32 bytes) -> schema text.
/// Thread-safe.
class schema_store {
public:
  virtual ~schema_store() = default;
  /// Durable when it returns. Storing the same schema again does nothing.
  virtual result<void> put(std::string_view fingerprint, std::string_view text) = 0;
  /// The schema whose fingerprint starts with these bytes (8 of them stand in a record's header);
  /// none when there is no such schema.
  virtual result<std::optional<std::string>> find(std::string_view fingerprint_prefix) const = 0;
};

/// Committed state. Thread-safe; sees all commits that returned before the call.
class state_reader {
public:
  virtual ~state_reader() = default;
  virtual result<std::optional<std::string>> find(std::string_view store, partition_id partition,
                                                  std::string_view key) const = 0;
  /// Keys that start with `prefix`, in the order of their bytes. `f` returns false to stop; its
  /// arguments are valid during the call only.
  virtual result<void> scan(
      std::string_view store, partition_id partition, std::string_view prefix,
      const std::function<bool(std::string_view key, std::string_view value)>& f) const = 0;
};

struct consumer_options {
  std::string group;
  std::vector<std::string> topics;
  /// `latest` counts only where the group has no position yet.
  enum class start { earliest, latest } start_at = start::earliest;
  /// Called, from any thread, when there may be something to take or an assignment to look at. Must
  /// not block nor call back into the consumer.
  std::function<void()> on_ready;
  /// Kafka's consumer properties for this consumer alone, over those of the session; others ignore
  /// them.
  std::map<std::string, std::string> properties = {};
  /// Several topics that are joined: the same member gets partition p of all of them.
  bool is_joined = false;
};

struct assignment {
  /// `lost`: revoked, and another member may have the partition already; nothing can be committed
  /// any more.
  enum class kind { assigned, revoked, lost } what = kind::assigned;
  topic_partition source;
  record_offset next;  ///< assigned: the first offset that fetch() will return
};

/// A member of a consumer group. One owner calls it at a time.
///
/// A partition is read by `fetch`; not fetching is back-pressure. After `revoked`, the owner stops
/// what works on the partition, commits or abandons it, then calls `release`: only then another
/// member gets it. Its other partitions are not affected. What is `lost` has to be released as
/// well, and is not assigned to this member again before.
class consumer {
public:
  virtual ~consumer() = default;
  /// Changes of the assignment since the last call. Never blocks. A member that does not call it
  /// for minutes is taken for dead.
  virtual result<std::vector<assignment>> poll_assignments() = 0;
  /// The next records of an assigned partition; empty when there are none now. Never blocks for new
  /// records. An offset out of range is an error that names both offsets; it is never skipped
  /// silently.
  virtual result<record_batch> fetch(const topic_partition& source, fetch_limits limits) = 0;
  /// Goes back (or forward) to `next`, for a replay after an abort. After it has failed nothing can
  /// be taken of the partition, until it succeeds.
  virtual result<void> seek(const topic_partition& source, record_offset next) = 0;
  /// One behind the newest record that can be read, as far as this consumer knows: the difference
  /// to what was taken is the lag. `backend::topic` knows for certain.
  virtual result<record_offset> end_offset(const topic_partition& source) const = 0;
  virtual void release(const topic_partition& source) = 0;
  /// A member of its group that knows which partitions it has, be it none. False again when it is
  /// one no longer, for longer than a rebalance takes.
  virtual bool has_joined() const = 0;
  /// Why has_joined() is false, as far as it is known: the first cause. Empty where it is true.
  virtual std::string why_not_joined() const = 0;
};

/// What a commit promises.
enum class guarantee {
  exactly_once,   ///< all of it, or nothing
  at_least_once,  ///< positions move only behind what is durable; after a failure outputs may be
                  ///< there twice
};

struct producer_options {
  /// Stable over restarts and unique among the living: the next owner of the name fences the one
  /// before.
  std::string transactional_id;
  guarantee delivery = guarantee::exactly_once;
  /// Called, from any thread, when outcome() may have something to say. Must not block.
  std::function<void()> on_outcome = {};
  /// Kafka's producer properties for this producer alone, over those of the session; others ignore
  /// them.
  std::map<std::string, std::string> properties = {};
};

/// Writes for one worker. One owner calls it at a time.
class producer {
public:
  virtual ~producer() = default;
  /// Outputs, state and positions become durable and visible together, in the order of the calls,
  /// or not at all (see `guarantee`). Blocks until then.
  virtual result<void> commit(const transaction& changes) = 0;

  /// commit() in two parts, so that the caller works on while it waits. One commit at a time; what
  /// it borrows stays untouched until outcome() has answered.
  virtual void begin(const transaction& changes) = 0;
  /// How the commit that was begun has ended; none: it has not. Never blocks.
  virtual std::optional<result<void>> outcome() = 0;

  /// Why nothing gets committed: the first error since the last commit that was successful, or what
  /// the one under way has been waiting for; empty: nothing is known to be wrong. Never blocks.
  virtual std::string trouble() const = 0;
};

// What a log can do, part by part. None has a body here: whoever wraps a log has to say of each
// call what becomes of it.

/// The topics of a log.
class topic_catalog {
public:
  virtual ~topic_catalog() = default;
  /// Creates the topic if there is none. One that differs in partitions or base schema is
  /// `errc::topic_mismatch` with the difference; differing properties are applied.
  virtual result<topic_info> ensure_topic(const topic_spec& wanted) = 0;
  virtual result<std::vector<topic_info>> topics() const = 0;
  virtual result<topic_info> topic(std::string_view name) const = 0;
};

/// The records of its topics, read without a group.
class record_store {
public:
  virtual ~record_store() = default;
  /// `peek`, tests. Empty at the end.
  virtual result<record_batch> read(const topic_partition& source, record_offset from,
                                    fetch_limits limits) const = 0;
  /// The first record that was appended at that time or later; the end of the partition when there
  /// is none. Where the clock of the log has gone back in between, records behind it may be
  /// earlier.
  virtual result<record_offset> offset_at(const topic_partition& source, timestamp at) const = 0;
  /// Where a partition ends, as topic() says it, but never blocks: calls `then` once, at once or
  /// later from any thread; not at all when the log is closed first.
  virtual void ask_end(const topic_partition& of,
                       const std::function<void(const result<record_offset>&)>& then) = 0;
  /// Nobody needs the records before `needed` any more. Never blocks, and promises nothing: what
  /// takes up room may be removed. A log that knows by its groups what is needed does nothing.
  virtual void forget_before(const topic_partition& of, record_offset needed) = 0;
};

/// Its consumer groups.
class group_registry {
public:
  virtual ~group_registry() = default;
  /// The committed position of a group.
  virtual result<std::optional<record_offset>> position(std::string_view group,
                                                        const topic_partition& source) const = 0;
  /// Whether somebody reads for the group now, here or elsewhere: nobody else moves its positions
  /// then.
  virtual result<bool> has_members(std::string_view group) const = 0;
};

/// State of the tasks of streamlets, one task for each partition.
class state_keeper {
public:
  virtual ~state_keeper() = default;
  /// Called before the first state of `owner` (see owner_of) is read or written.
  /// `errc::topic_mismatch`: there is state for another number of partitions.
  virtual result<void> ensure_state(std::string_view owner, std::int32_t partitions) = 0;
  /// Brings the state of a task here, as of the last commit of whoever had the task before. Call it
  /// again until it says true; never blocks. Calls `on_ready` of the caller's choice from any
  /// thread when it is worth calling again.
  virtual result<bool> restore(std::string_view owner, partition_id partition,
                               const std::function<void()>& on_ready) = 0;
  /// The task goes elsewhere: its state is not read here until it has been restored again.
  virtual void give_up(std::string_view owner, partition_id partition) = 0;
  virtual const state_reader& state() const = 0;
};

/// A durable log with topics, positions, state and schemas. Thread-safe, but for what it hands out,
/// which must not outlive it; record batches may.
class backend : public topic_catalog,
                public record_store,
                public group_registry,
                public state_keeper {
public:
  virtual result<std::unique_ptr<producer>> open_producer(const producer_options& options) = 0;
  virtual result<std::unique_ptr<consumer>> open_consumer(const consumer_options& options) = 0;
  virtual schema_store& schemas() = 0;
};

}  // namespace cloudflow::pubsub
