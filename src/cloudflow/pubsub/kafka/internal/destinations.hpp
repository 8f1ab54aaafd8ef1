#pragma once

#include "cloudflow/pubsub/kafka/internal/admin.hpp"
#include "cloudflow/pubsub/transaction.hpp"

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace cloudflow::pubsub::kafka {

/// What a producer has to know of a topic before it sends.
struct destination {
  std::int32_t partitions = 0;
  std::size_t max_message_bytes = 0;  ///< of a batch of records
};

/// Topics that are written to, looked up once. Thread-safe; blocks while the cluster is asked.
class destinations {
public:
  explicit destinations(const admin& cluster) : cluster_(cluster) {}

  /// `topic_not_found`: there is no such topic, or it has no such partition.
  result<destination> find(std::string_view topic, partition_id partition);
  /// After a refusal: what is known of topics may be out of date.
  void forget_all();

private:
  result<destination> look_up(const std::string& topic) const;

  const admin& cluster_;
  std::mutex mutex_;
  std::map<std::string, destination, std::less<>> known_;  ///< guarded by mutex_
};

/// The bytes that a record takes as a batch of its own, as the brokers count.
std::size_t size_on_log(const record_buffer& records, const record_buffer::entry& record);

/// Whether all outputs can be written: `topic_not_found`, or `record_too_large` with the record's
/// size and the topic's limit, which cannot be more than `bound`.
result<void> check(const std::vector<output>& outputs, destinations& topics, std::size_t bound);

}  // namespace cloudflow::pubsub::kafka
