/// Requests about topics and groups, to the cluster itself.
#pragma once

#include "cloudflow/base/time.hpp"
#include "cloudflow/pubsub/kafka/internal/client.hpp"
#include "cloudflow/pubsub/topic.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudflow::pubsub::kafka {

/// What the brokers say of a topic that exists.
struct topic_facts {
  std::string name;
  std::string id;  ///< another one when the topic has been deleted and made again
  std::int32_t partitions = 0;
  bool is_ready = false;  ///< every partition has a leader
};

/// A property of a topic, as it is in effect.
struct topic_property {
  std::string value;
  bool is_of_topic = false;  ///< set for this topic; otherwise a default of the cluster
};
using topic_properties = std::map<std::string, topic_property>;

/// Which offset of a partition.
enum class offset_of {
  first,          ///< of the oldest record
  committed_end,  ///< behind the newest record that a reader of committed records sees
  end,            ///< behind the newest record, be its transaction open
};

/// The session's handle for requests.
///
/// Every request blocks until the cluster has answered, at most 15 s; then it is `unavailable`,
/// with what is known of the brokers.
///
/// Concurrency: thread-safe.
class admin {
public:
  explicit admin(std::shared_ptr<connection> session) : session_(std::move(session)) {}

  /// Waits until a broker answers. Errors: the most telling of what was heard meanwhile (`denied`
  /// at once).
  result<void> connect(std::chrono::milliseconds patience);
  /// Has librdkafka tell what it has heard, and the outcome of what was produced; blocks for
  /// `patience` at most.
  void serve(std::chrono::milliseconds patience) const;
  /// Ends the serve() of another thread, or the next one, at once.
  void stop_serving() const;

  // -- topics -------------------------------------------------------------------------------------

  /// Those that exist.
  result<std::vector<topic_facts>> describe(std::span<const std::string> names) const;
  /// `topic_not_found` when there is none of this name.
  result<topic_facts> describe(const std::string& name) const;
  /// Returns when the topic can be used. One that exists already is no error.
  result<void> create(const topic_spec& wanted) const;
  /// Adds partitions, so that there are `partitions`; returns when they can be used.
  result<void> grow(const std::string& name, std::int32_t partitions) const;
  /// In the order of `names`, all of which exist.
  result<std::vector<topic_properties>> properties(std::span<const std::string> names) const;
  result<void> alter(const std::string& name, const property_map& changes) const;
  /// In the order of `of`. `topic_not_found`: there is no such partition.
  result<std::vector<record_offset>> offsets(std::span<const topic_partition> of,
                                             offset_of which) const;
  /// What a reader of committed records can read.
  result<partition_range> range(const topic_partition& of) const;
  /// Of the first record at that time or later; none when there is no such record.
  result<std::optional<record_offset>> offset_at(const topic_partition& of, timestamp at) const;
  /// The records of each partition before that offset.
  result<void> remove_before(const std::map<topic_partition, record_offset>& offsets) const;

  // -- groups -------------------------------------------------------------------------------------

  /// Waits for transactions on the position to end.
  result<std::optional<record_offset>> position(const std::string& group,
                                                const topic_partition& source) const;
  result<bool> has_members(const std::string& group) const;
  /// Moves positions of a group that nobody reads.
  result<void> alter_positions(const std::string& group,
                               const rd_kafka_topic_partition_list_t& to) const;

  // -- records ------------------------------------------------------------------------------------

  /// One record, acknowledged by all in-sync replicas when it returns. Not part of any transaction.
  result<void> append(const std::string& topic, std::string_view key, std::string_view value) const;

  /// librdkafka's callback for append().
  static void delivered(rd_kafka_t*, const rd_kafka_message_t* message, void*);

private:
  using ask = std::function<void(rd_kafka_t*, const rd_kafka_AdminOptions_t*, rd_kafka_queue_t*)>;
  using prepare = std::function<void(rd_kafka_AdminOptions_t*)>;

  /// One request and its answer, whose own error is looked at.
  result<event_handle> request(rd_kafka_admin_op_t what, std::string_view doing, const ask& send,
                               const prepare& with = {}) const;
  event_handle request_once(rd_kafka_admin_op_t what, const client& by,
                            std::chrono::milliseconds patience, const ask& send,
                            const prepare& with) const;
  result<std::vector<std::int64_t>> list_offsets(std::span<const topic_partition> of,
                                                 std::int64_t spec,
                                                 rd_kafka_IsolationLevel_t isolation) const;
  result<std::vector<std::int64_t>> ask_offsets(std::span<const topic_partition> of,
                                                std::int64_t spec,
                                                rd_kafka_IsolationLevel_t isolation) const;
  /// Why offsets cannot be had: a topic or a partition that is not there.
  std::optional<pubsub::error> missing(std::span<const topic_partition> of) const;
  /// The first failure among them that is not `no_failure`.
  result<void> check(std::span<const rd_kafka_topic_result_t* const> outcomes,
                     std::string_view doing, rd_kafka_resp_err_t no_failure) const;
  result<void> wait_until_ready(const std::string& topic) const;
  /// The client, a new one when the certificates have changed.
  result<std::shared_ptr<client>> current() const;
  void abandon(const std::shared_ptr<client>& used) const;

  const std::shared_ptr<connection> session_;
  mutable std::mutex mutex_;  ///< guards the next
  mutable std::shared_ptr<client> client_;
};

}  // namespace cloudflow::pubsub::kafka
