/// The members of consumer groups that live in this session: positions are committed in their
/// names.
#pragma once

#include "cloudflow/pubsub/kafka/internal/shared_client.hpp"
#include "cloudflow/pubsub/topic.hpp"

#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace cloudflow::pubsub::kafka {

/// What a producer has to know of one consumer. Thread-safe.
class group_member {
public:
  group_member(std::string group, std::shared_ptr<shared_client> at)
    : group_(std::move(group)), client_(std::move(at)) {}

  const std::string& group() const noexcept { return group_; }
  rd_kafka_t* get() const noexcept { return client_->get(); }
  const client& through() const noexcept { return *client_->handle; }

  void gain(const topic_partition& source);
  void lose(const topic_partition& source);
  bool owns(const topic_partition& source) const;

  /// Its id and generation at this moment; null when it is no member (any more).
  group_metadata_handle metadata() const;

  /// How the brokers have taken a commit in its name: as one of the group, or of a stranger.
  void note_commit(bool is_refused, std::chrono::nanoseconds now);
  /// Since when they have refused all, though its partitions have stayed the same; none: they take
  /// them.
  std::optional<std::chrono::nanoseconds> refused_since() const;

private:
  const std::string group_;
  const std::shared_ptr<shared_client> client_;
  mutable std::mutex mutex_;
  std::set<topic_partition> owned_;                        ///< guarded by mutex_
  std::optional<std::chrono::nanoseconds> refused_since_;  ///< guarded by mutex_
};

/// The members of this session by group. Thread-safe.
class groups {
public:
  void add(const std::shared_ptr<group_member>& member);
  /// Empty: nobody here reads for the group.
  std::vector<std::shared_ptr<group_member>> members(std::string_view group) const;

  /// Whether the brokers know group.protocol=consumer (KIP-848), as far as anybody has noticed.
  bool has_new_protocol() const noexcept { return has_new_protocol_; }
  void lack_new_protocol() noexcept { has_new_protocol_ = false; }

private:
  mutable std::mutex mutex_;
  std::atomic<bool> has_new_protocol_ = true;
  std::multimap<std::string, std::weak_ptr<group_member>, std::less<>>
      members_;  ///< guarded by mutex_
};

}  // namespace cloudflow::pubsub::kafka
