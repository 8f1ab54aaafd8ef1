#pragma once

#include "cloudflow/pubsub/backend.hpp"
#include "cloudflow/pubsub/kafka/internal/shared_client.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace cloudflow::pubsub::kafka {

/// The records of one partition, from librdkafka's queue for it.
///
/// librdkafka drops what it has fetched before a seek or a pause; what it hands out twice then is
/// dropped here. An error of the partition stays until a record comes or somebody seeks. An offset
/// that was out of range stays so: a topic that was deleted and made again grows past it, and the
/// records before it would be skipped.
///
/// Concurrency: one caller at a time. It calls `on_ready` from librdkafka's threads when the queue
/// is empty no longer. Batches borrow librdkafka's messages and keep the client alive.
class partition_reader {
public:
  /// Make it before the partition is assigned, or records go another way. `on_ready` outlives it.
  partition_reader(std::shared_ptr<shared_client> from, topic_partition source,
                   const std::function<void()>& on_ready);
  partition_reader(const partition_reader&) = delete;
  partition_reader& operator=(const partition_reader&) = delete;
  ~partition_reader();

  /// What is before `next` is not wanted. The caller has told librdkafka.
  void start(record_offset next);
  /// What `take` answers until the next start. Fetching has not been moved; what comes is not
  /// wanted.
  void stop(pubsub::error why);
  /// `next` is out of range of a log that ends at `end`, as `why` says: it stops.
  void lose(record_offset next, record_offset end, pubsub::error why);
  /// True: the log did not hold `next` when it was last wanted, and it stops for the same reason.
  bool refuse(record_offset next);

  /// See consumer::take and consumer::end_offset.
  result<record_batch> fetch(fetch_limits limits);
  record_offset end() const;
  record_offset next() const noexcept { return next_; }

private:
  struct message_block;
  /// Of a position that was out of range.
  struct loss {
    record_offset at, end;  ///< and where the log ended
    pubsub::error why;
    bool covers(record_offset next) const noexcept {
      return next == at || (end < next && next < at);
    }
  };

  bool pull(std::size_t count);
  bool accept(fetch_limits limits, message_block& into);
  void note(const rd_kafka_message_t& trouble);
  loss gone(record_offset at) const;
  record_offset watermark() const;
  rd_kafka_message_t& front() const noexcept { return *pulled_[at_]; }
  bool has_pulled() const noexcept { return at_ != pulled_.size(); }
  void drop_pulled() noexcept;

  const std::shared_ptr<shared_client> client_;
  const topic_partition source_;
  queue_handle queue_;
  record_offset next_{0};
  std::optional<pubsub::error> failed_;
  bool is_stopped_ = false;
  std::optional<loss> lost_;  ///< until there are records from elsewhere
  /// Taken from the queue, but not from here: from at_ on.
  std::vector<rd_kafka_message_t*> pulled_;
  std::size_t at_ = 0;
  /// Of the records of late: with it a batch that is bounded in bytes leaves little behind in
  /// pulled_.
  std::size_t usual_size_ = 256;
  /// Where the partition ended, and the high watermark at that moment.
  record_offset end_{0}, watermark_at_end_{-1};
};

}  // namespace cloudflow::pubsub::kafka
