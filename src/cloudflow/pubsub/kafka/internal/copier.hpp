#pragma once

#include "cloudflow/base/log.hpp"
#include "cloudflow/pubsub/kafka/internal/admin.hpp"
#include "cloudflow/pubsub/kafka/internal/changelog_records.hpp"
#include "cloudflow/pubsub/kafka/internal/local_state.hpp"
#include "cloudflow/pubsub/kafka/internal/reader.hpp"

#include <stop_token>
#include <string>

namespace cloudflow::pubsub::kafka {

/// Brings a copy of one task's state up to date.
///
/// A copy that cannot be continued is wiped, and all of the changelog is read: when the topic is
/// another one than was copied, when it begins or ends elsewhere, and when the copy is so old that
/// removals of keys may be gone from the topic, or of an age that nobody knows.
///
/// Concurrency: thread-safe, but for one task at a time.
class copier {
public:
  copier(const connection& session, const admin& requests, const reader& records, local_state& to)
    : session_(session), requests_(requests), records_(records), local_(to) {}

  /// Returns when the copy holds everything that was in the changelog at the call; until then it
  /// waits for transactions that are still open. Retriable when brokers are away, or it was
  /// stopped.
  result<copy_mark> bring(const task_id& task, const std::string& topic,
                          const std::stop_token& stop);

private:
  result<copy_mark> usable_copy(const task_id& task, const topic_facts& topic,
                                partition_range range);
  result<bool> is_usable(const copy_mark& mark, const topic_facts& topic,
                         partition_range range) const;
  result<void> take_over(const task_id& task, copy_mark& mark, const record_batch& batch);

  const connection& session_;
  const admin& requests_;
  const reader& records_;
  local_state& local_;
};

}  // namespace cloudflow::pubsub::kafka
