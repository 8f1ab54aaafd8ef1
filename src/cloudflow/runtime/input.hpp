#pragma once

#include "cloudflow/pubsub/backend.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace cloudflow::runtime {

/// This process as a member of one consumer group, shared by the tasks that read its partitions on
/// different workers. Thread-safe: a lock per batch, not per record.
class input {
public:
  /// `topics`: what the group reads, with the number of partitions when this process started.
  input(std::string group, std::map<std::string, std::int32_t> topics,
        std::unique_ptr<pubsub::consumer> reader)
    : group_(std::move(group)), topics_(std::move(topics)), reader_(std::move(reader)) {}

  const std::string& group() const noexcept { return group_; }
  const std::map<std::string, std::int32_t>& topics() const noexcept { return topics_; }

  pubsub::result<std::vector<pubsub::assignment>> poll_assignments() {
    const std::lock_guard lock{mutex_};
    return reader_->poll_assignments();
  }
  pubsub::result<pubsub::record_batch> fetch(const pubsub::topic_partition& source,
                                             pubsub::fetch_limits limits) {
    const std::lock_guard lock{mutex_};
    return reader_->fetch(source, limits);
  }
  pubsub::result<void> seek(const pubsub::topic_partition& source, record_offset next) {
    const std::lock_guard lock{mutex_};
    return reader_->seek(source, next);
  }
  pubsub::result<record_offset> end_offset(const pubsub::topic_partition& source) const {
    const std::lock_guard lock{mutex_};
    return reader_->end_offset(source);
  }
  void release(const pubsub::topic_partition& source) {
    const std::lock_guard lock{mutex_};
    reader_->release(source);
  }
  bool has_joined() const {
    const std::lock_guard lock{mutex_};
    return reader_->has_joined();
  }
  /// Why has_joined() is false; empty where it is true.
  std::string why_not_joined() const {
    const std::lock_guard lock{mutex_};
    if (reader_->has_joined()) return {};
    auto why = reader_->why_not_joined();
    return why.empty() ? "group " + group_ + ": not joined yet" : why;
  }

private:
  const std::string group_;
  const std::map<std::string, std::int32_t> topics_;
  mutable std::mutex mutex_;  // guards reader_
  std::unique_ptr<pubsub::consumer> reader_;
};

}  // namespace cloudflow::runtime
