#pragma once

#include "cloudflow/pubsub/backend.hpp"

#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace cloudflow::runtime {

/// One inlet of one streamlet in this process: the member of its consumer group, shared by the tasks that read its
/// partitions on different workers. Thread-safe: a lock per batch, not per record.
class input {
public:
  /// `reader` is of the group of this inlet alone.
  input(std::size_t inlet, std::string topic, std::string group,
        std::unique_ptr<pubsub::consumer> reader)
    : inlet_(inlet),
      topic_(std::move(topic)),
      group_(std::move(group)),
      reader_(std::move(reader)) {}

  std::size_t inlet() const noexcept { return inlet_; }
  const std::string& topic() const noexcept { return topic_; }
  const std::string& group() const noexcept { return group_; }

  pubsub::result<std::vector<pubsub::assignment>> poll() {
    const std::lock_guard lock{mutex_};
    return reader_->poll();
  }
  pubsub::result<pubsub::record_batch> take(partition_id partition, pubsub::fetch_limits limits) {
    const std::lock_guard lock{mutex_};
    return reader_->take({topic_, partition}, limits);
  }
  pubsub::result<void> seek(partition_id partition, record_offset next) {
    const std::lock_guard lock{mutex_};
    return reader_->seek({topic_, partition}, next);
  }
  pubsub::result<record_offset> end_offset(partition_id partition) const {
    const std::lock_guard lock{mutex_};
    return reader_->end_offset({topic_, partition});
  }

private:
  std::size_t inlet_;
  std::string topic_, group_;
  mutable std::mutex mutex_;  // guards reader_
  std::unique_ptr<pubsub::consumer> reader_;
};

}  // namespace cloudflow::runtime
