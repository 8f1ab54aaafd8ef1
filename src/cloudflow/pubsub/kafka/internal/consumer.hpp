#pragma once

#include "cloudflow/pubsub/backend.hpp"
#include "cloudflow/pubsub/kafka/internal/admin.hpp"
#include "cloudflow/pubsub/kafka/internal/consumer_properties.hpp"
#include "cloudflow/pubsub/kafka/internal/groups.hpp"
#include "cloudflow/pubsub/kafka/internal/partition_reader.hpp"
#include "cloudflow/pubsub/kafka/internal/shared_client.hpp"
#include "cloudflow/pubsub/kafka/internal/start_finder.hpp"
#include "cloudflow/pubsub/kafka/internal/topic_watch.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace cloudflow::pubsub::kafka {

/// A member of a consumer group, by one client of librdkafka.
///
/// Rebalancing: librdkafka says by events what is assigned and revoked, and fetches nothing for
/// this member until it has an answer. It gets it as soon as it is known where to start, or when
/// that takes long: then what is not known yet is taken paused, and moved later. When a partition
/// is where it starts, poll_assignments() says `assigned`. What is revoked is given back when the
/// owner has released all of it: only then may another member have it. When librdkafka gives up, or
/// certificates have changed, all is withdrawn, and another client joins the group: at once after
/// the first time, later after a pause that grows to ten seconds. So whatever ended the client (a
/// right that was taken away, another member of the same group.instance.id, an error that nobody
/// expects), it is a member again soon after the reason is gone. The same when it has been no
/// member for minutes, without a word.
///
/// Concurrency: one caller at a time. `on_ready` is called from librdkafka's threads and one of its
/// own.
class group_consumer final : public consumer {
public:
  /// Joins the group. `members` and `kept` outlive it. Errors: `topic_not_found`, `denied`,
  /// `unavailable`.
  static result<std::unique_ptr<consumer>> open(const std::shared_ptr<connection>& session,
                                                const admin& cluster, groups& members,
                                                const consumer_options& wanted,
                                                kept_positions& kept);
  /// Leaves the group, so that the others need not wait for the end of its session; waits for that
  /// some seconds at most.
  ~group_consumer() override;

  result<std::vector<assignment>> poll_assignments() override;
  result<record_batch> fetch(const topic_partition& source, fetch_limits limits) override;
  result<void> seek(const topic_partition& source, record_offset next) override;
  result<record_offset> end_offset(const topic_partition& source) const override;
  void release(const topic_partition& source) override;
  /// Not while a topic is missing, whose partitions nobody can be given.
  bool has_joined() const override { return has_joined_ && missing_topic().empty(); }
  std::string why_not_joined() const override;

private:
  struct partition {
    std::unique_ptr<partition_reader> reader;
    bool is_known = false;  ///< to the owner
  };

  group_consumer(const std::shared_ptr<connection>& session, groups& members,
                 const consumer_options& wanted, std::int32_t partitions, kept_positions& kept);
  result<void> join(group_protocol protocol);

  result<void> handle(rd_kafka_event_t& event);
  result<void> handle_error(rd_kafka_event_t& event);
  result<void> handle_fatal();
  result<void> gain(const rd_kafka_topic_partition_list_t& gained);
  bool is_time_to_accept() const;
  result<void> accept();
  result<void> revoke(const rd_kafka_topic_partition_list_t& revoked);
  void withdraw(const topic_partition& source, assignment::kind how);
  void leave_with(assignment::kind how);
  result<void> give_back();
  result<void> join_anew();
  result<void> join_when_due();
  void note_end(const pubsub::error& why, std::chrono::nanoseconds pause);
  void begin_anew(const pubsub::error& why, std::chrono::nanoseconds pause);
  void report_starts();
  void look_whether_joined();
  void look_whether_known();
  bool has_some_of_each_topic() const;
  std::string_view missing_topic() const {
    return watch_ ? std::string_view{watch_->missing()} : std::string_view{};
  }
  result<void> assign(rd_kafka_topic_partition_list_t& gained) const;
  result<void> unassign(const rd_kafka_topic_partition_list_t& revoked) const;
  result<void> assign_anew(const topic_partition& source, record_offset next) const;
  bool is_cooperative() const;
  const partition* find(const topic_partition& source) const;
  pubsub::error not_assigned(const topic_partition& source) const;
  void leave();
  void leave_group();

  const std::shared_ptr<connection> session_;
  groups& members_;
  const consumer_options wanted_;
  const std::int32_t partition_count_;
  const std::string doing_;  ///< for messages
  kept_positions& kept_;
  group_protocol protocol_ = group_protocol::consumer;

  std::shared_ptr<shared_client> client_;
  std::shared_ptr<group_member> member_;
  queue_handle queue_;
  std::optional<topic_watch> watch_;
  std::map<topic_partition, partition> partitions_;
  std::vector<std::unique_ptr<start_finder>> finders_;
  std::vector<assignment> changes_;  ///< for the next poll_assignments()
  /// The assignment that librdkafka waits for; the last finder looks for its starts.
  list_handle gained_;
  std::chrono::nanoseconds accept_at_{0};
  /// The revocation that librdkafka waits for, and what of it the owner has not released yet.
  list_handle revoked_;
  std::set<topic_partition> unreleased_;
  bool was_assigned_ = false, has_joined_ = false;
  bool is_leaving_ = false;  ///< to join again with another client
  bool has_died_ = false;    ///< the client: it is no member that could leave
  /// Of the membership that was lost, or never had.
  std::string trouble_;                        ///< the first cause; empty: none is known
  std::chrono::nanoseconds pause_{0};          ///< before it joins the next time
  std::chrono::nanoseconds join_at_{0};        ///< not before
  std::chrono::nanoseconds was_member_at_{0};  ///< when it was last seen to be one
  std::chrono::nanoseconds look_at_{0};        ///< whether it is one
};

}  // namespace cloudflow::pubsub::kafka
