#pragma once

#include "cloudflow/pubsub/kafka/internal/shared_client.hpp"
#include "cloudflow/pubsub/transaction.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

namespace cloudflow::pubsub::kafka {

/// Sends records through librdkafka and knows whether they have arrived.
///
/// Of each partition one batch is on its way at a time: an idempotent producer of librdkafka (2.14)
/// sends no more, and while it has more to send its thread does not sleep. So this hands over a
/// batch of each partition, together a few megabytes, waits until all have arrived, and hands over
/// the next ones. The records of a partition arrive in the order of the calls.
///
/// Concurrency: one caller at a time. Stopping ends every wait.
class sender {
public:
  static result<std::unique_ptr<sender>> open(const std::shared_ptr<connection>& session,
                                              client_spec spec, std::stop_token stop);
  ~sender();

  rd_kafka_t* get() const noexcept { return client_->get(); }
  const client& through() const noexcept { return *client_->handle; }
  /// No record may be larger: it would never fit into the queue.
  std::size_t bound() const noexcept { return queue_bytes_; }
  /// For how long brokers keep a transaction of this client open.
  std::chrono::milliseconds transaction_timeout() const noexcept { return transaction_timeout_; }

  /// Forgets what was added, and what has failed.
  void begin();
  /// `batch_limit`: what the topic takes at once. The records stay until send() has returned, and
  /// drop() if it was not successful.
  void add(const output& what, std::size_t batch_limit) { add(what, batch_limit, nullptr); }
  /// The same; last_offset() of what it returns says where the last of the records is.
  std::size_t add_tracked(const output& what, std::size_t batch_limit);
  /// Once send() was successful. -1: there were no records.
  std::int64_t last_offset(std::size_t tracked) const { return last_offsets_[tracked]; }
  /// Sends what was added. Waits until all has arrived, or something has not.
  result<void> send();
  /// Forgets what has not been sent. Some of it may have been.
  void drop();

private:
  /// What one call of add() has brought.
  struct part {
    const record_buffer* records;
    void* token;  ///< for messages; null: nobody wants to know their offsets
  };
  /// All for one partition.
  struct lane {
    rd_kafka_topic_t* topic;
    partition_id partition;
    std::size_t batch_limit;
    std::vector<part> parts = {};
    std::size_t at = 0, next = 0;  ///< the part, and in it the record, that comes next

    bool is_over() const noexcept { return at == parts.size(); }
    const part& current() const noexcept { return parts[at]; }
    const record_buffer::entry& record() const noexcept {
      return current().records->entries()[next];
    }
    void step() noexcept;
  };

  explicit sender(std::stop_token stop) : stop_(std::move(stop)) {}
  static void delivered(rd_kafka_t* rk, const rd_kafka_message_t* message, void* opaque);
  void note_offset(const rd_kafka_message_t& message);

  void add(const output& what, std::size_t batch_limit, void* token);
  rd_kafka_topic_t* topic(std::string_view name);
  result<void> hand_over_batch(lane& from);
  result<void> hand_over(const lane& from);
  result<void> hand_over_with_headers(const lane& from);
  result<void> flush();
  result<void> make_room();
  pubsub::error stopped() const;
  pubsub::error refused(rd_kafka_topic_t* topic, partition_id partition, const failure& why) const;

  const std::stop_token stop_;
  std::shared_ptr<shared_client> client_;
  std::size_t queue_bytes_ = 0, batch_bytes_ = 0, batch_records_ = 0;
  std::chrono::milliseconds transaction_timeout_{0};
  std::map<std::string, topic_handle, std::less<>> topics_;
  std::map<std::pair<rd_kafka_topic_t*, partition_id>, lane> lanes_;
  std::vector<rd_kafka_message_t> messages_;  ///< for librdkafka, which copies
  std::optional<pubsub::error> failed_;       ///< the first that did not arrive
  std::vector<std::int64_t> last_offsets_;
  std::uint32_t round_ = 0;  ///< of begin(): what comes later of an earlier one is not wanted
};

}  // namespace cloudflow::pubsub::kafka
