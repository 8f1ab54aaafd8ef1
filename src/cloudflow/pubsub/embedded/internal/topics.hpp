/// What the log knows about its topics while it is open.
#pragma once

#include "cloudflow/pubsub/embedded/internal/batch.hpp"
#include "cloudflow/pubsub/embedded/internal/keys.hpp"
#include "cloudflow/pubsub/topic.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string>
#include <vector>

namespace cloudflow::pubsub::embedded {

using batch_ptr = std::shared_ptr<const stored_batch>;

/// What a topic's properties mean to this log.
struct topic_rules {
  std::optional<std::chrono::milliseconds> retention_time;
  std::optional<std::uint64_t> retention_bytes;
  std::size_t max_record = 0;
};

/// The rules of a topic; `errc::unsupported` names the property whose value is not understood.
result<topic_rules> rules_of(const topic_spec& topic);

/// Where a partition ends (or begins): an offset, and the bytes and latest append time of all
/// batches before it.
struct log_place {
  record_offset offset;
  std::uint64_t bytes = 0;
  timestamp latest = timestamp::min();
};

/// Bounds, newest batches and known readers of one partition. Thread-safe.
class partition_log {
public:
  partition_log(std::string topic, partition_key key) : topic_(std::move(topic)), key_(key) {}

  const std::string& topic() const noexcept { return topic_; }
  const partition_key& key() const noexcept { return key_; }
  topic_partition source() const { return {topic_, key_.partition}; }

  void recover(log_place first, log_place end);
  log_place first() const;
  log_place end() const;
  partition_range range() const;
  std::uint64_t stored_bytes() const;

  // -- newest batches -----------------------------------------------------------------------------

  /// Makes a durable batch visible.
  void publish(const batch_ptr& batch);
  /// Forgets the oldest batch in memory.
  void shrink_tail();
  /// Appends batches from the one that holds `from` on, until they have `max_bytes`. Nothing when
  /// `from` is not in memory.
  void from_tail(record_offset from, std::size_t max_bytes, std::deque<batch_ptr>& out) const;

  // -- readers and retention ----------------------------------------------------------------------

  /// The group has committed what is before `next`.
  void note_reader(std::string_view group, record_offset next);
  /// The group reads other partitions of the topic: keeps everything for it until it says where it
  /// starts.
  void expect_reader(std::string_view group);
  /// Where the group goes on: at what it has committed, or where it started before in this process,
  /// else at the end of the log that `start` says.
  record_offset open_reader(std::string_view group, consumer_options::start start);
  void forget_reader(std::string_view group);
  struct reader {
    std::string group;
    record_offset next;  ///< the first offset that the group has not read
  };
  /// The known group that is furthest behind, if there is one.
  std::optional<reader> slowest_reader() const;
  /// Moves the beginning to `wanted` unless a group has appeared that needs it.
  bool advance_first(log_place wanted);

private:
  const std::string topic_;
  const partition_key key_;
  mutable std::mutex mutex_;  // everything below
  log_place first_, end_;
  std::deque<batch_ptr> tail_;  // without gaps, ends at end_
  struct known_reader {
    record_offset next;
    bool has_started = false;
  };
  std::map<std::string, known_reader, std::less<>> readers_;
};

/// Calls a consumer back. Outlives it, and is silent after close().
class waker {
public:
  explicit waker(std::function<void()> f) : call_(std::move(f)) {}
  /// Holds the lock during the call: after close() no call is running.
  void wake();
  void close();

private:
  std::mutex mutex_;
  std::function<void()> call_;
};

/// One topic. Thread-safe.
class topic_state {
public:
  topic_state(std::uint32_t id, topic_spec spec, topic_rules rules);

  std::uint32_t id() const noexcept { return id_; }
  std::int32_t partition_count() const noexcept {
    return static_cast<std::int32_t>(partitions_.size());
  }
  topic_spec spec() const;
  topic_rules rules() const;
  topic_info info() const;
  void change(topic_spec spec, topic_rules rules);
  /// @pre 0 <= partition < partition_count()
  partition_log& partition(partition_id partition) const {
    return *partitions_[static_cast<std::size_t>(partition.value())];
  }
  bool has(partition_id partition) const noexcept {
    return partition.value() >= 0 && partition.value() < partition_count();
  }

  /// A known group has read `partition` up to `next`; of the other partitions, nothing that it has
  /// not said.
  void note_reader(std::string_view group, partition_id partition, record_offset next);
  void forget_reader(std::string_view group);
  /// False: the group has a consumer of this topic already.
  bool add_member(const std::string& group, std::shared_ptr<waker> wake);
  void remove_member(const std::string& group);
  bool has_member(std::string_view group) const;
  void wake_members() const;

private:
  const std::uint32_t id_;
  std::vector<std::unique_ptr<partition_log>> partitions_;
  mutable std::mutex mutex_;  // everything below
  topic_spec spec_;
  topic_rules rules_;
  std::map<std::string, std::shared_ptr<waker>, std::less<>> members_;
};

/// Topics by name. Thread-safe; topics are never removed, so that pointers to them stay valid.
class topic_table {
public:
  topic_state* find(std::string_view name) const;
  topic_state& add(std::unique_ptr<topic_state> topic, const std::string& name);
  std::vector<topic_state*> all() const;
  /// The topic partition that a split names; null when it is none of ours.
  partition_log* partition_of_split(std::string_view split, topic_state*& topic) const;

private:
  mutable std::shared_mutex mutex_;
  std::map<std::string, std::unique_ptr<topic_state>, std::less<>> topics_;
};

}  // namespace cloudflow::pubsub::embedded
