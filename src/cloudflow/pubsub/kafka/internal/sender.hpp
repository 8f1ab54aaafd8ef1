#pragma once

#include "cloudflow/pubsub/kafka/internal/shared_client.hpp"
#include "cloudflow/pubsub/transaction.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

namespace cloudflow::pubsub::kafka {

/// Hands records to librdkafka and knows whether they have arrived.
///
/// Records are copied, so that buffers may change when send() returns; what waits to be sent is bounded by
/// queue.buffering.max.kbytes and .messages, and send() waits when it is full. The records of a partition arrive in the
/// order of the calls.
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

  /// Forgets what has failed.
  void begin();
  /// `batch_limit`: what the topic takes at once. `last_offset`: where to write down, when it has arrived, the offset of
  /// the last record; stays until flush() or drop() has returned.
  result<void> send(const output& what, std::size_t batch_limit,
                    std::int64_t* last_offset = nullptr);
  /// Waits until all has arrived, or something has not.
  result<void> flush();
  /// Forgets what has not been sent. Some of it may have been.
  void drop();

private:
  explicit sender(std::stop_token stop) : stop_(std::move(stop)) {}
  static void delivered(rd_kafka_t* rk, const rd_kafka_message_t* message, void* opaque);

  rd_kafka_topic_t* topic(std::string_view name);
  result<void> send_batch(rd_kafka_topic_t* topic, partition_id partition);
  result<void> send_with_headers(rd_kafka_topic_t* topic, partition_id partition,
                                 const record_buffer& records, const record_buffer::entry& record,
                                 std::int64_t* offset);
  result<void> make_room();
  pubsub::error stopped() const;
  pubsub::error refused(rd_kafka_topic_t* topic, partition_id partition, const failure& why) const;

  const std::stop_token stop_;
  std::shared_ptr<shared_client> client_;
  std::size_t queue_bytes_ = 0, batch_bytes_ = 0;
  std::map<std::string, topic_handle, std::less<>> topics_;
  std::vector<rd_kafka_message_t> batch_;  ///< for librdkafka, which copies
  std::optional<pubsub::error> failed_;    ///< the first that did not arrive
};

}  // namespace cloudflow::pubsub::kafka
