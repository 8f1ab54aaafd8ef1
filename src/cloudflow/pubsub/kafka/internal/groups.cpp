#include "cloudflow/pubsub/kafka/internal/groups.hpp"

namespace cloudflow::pubsub::kafka {

void group_member::gain(const topic_partition& source) {
  const std::lock_guard lock{mutex_};
  owned_.insert(source);
  refused_since_.reset();
}

void group_member::lose(const topic_partition& source) {
  const std::lock_guard lock{mutex_};
  owned_.erase(source);
  refused_since_.reset();
}

void group_member::note_commit(bool is_refused, std::chrono::nanoseconds now) {
  const std::lock_guard lock{mutex_};
  if (!is_refused)
    refused_since_.reset();
  else if (!refused_since_)
    refused_since_ = now;
}

std::optional<std::chrono::nanoseconds> group_member::refused_since() const {
  const std::lock_guard lock{mutex_};
  return refused_since_;
}

bool group_member::owns(const topic_partition& source) const {
  const std::lock_guard lock{mutex_};
  return owned_.contains(source);
}

// Without the check a member that was thrown out, and whose group is empty since, would commit as
// if it were a tool that moves the positions of a group at rest.
group_metadata_handle group_member::metadata() const {
  group_metadata_handle of{rd_kafka_consumer_group_metadata(get())};
  if (!of || rd_kafka_assignment_lost(get()) != 0) return {};
  const std::string_view id = rd_kafka_consumer_group_metadata_member_id(of.get());
  if (id.empty() || rd_kafka_consumer_group_metadata_generation_id(of.get()) < 1) return {};
  return of;
}

void groups::add(const std::shared_ptr<group_member>& member) {
  const std::lock_guard lock{mutex_};
  std::erase_if(members_, [](const auto& entry) { return entry.second.expired(); });
  members_.emplace(member->group(), member);
}

std::vector<std::shared_ptr<group_member>> groups::members(std::string_view group) const {
  const std::lock_guard lock{mutex_};
  std::vector<std::shared_ptr<group_member>> found;
  const auto [begin, end] = members_.equal_range(group);
  for (auto at = begin; at != end; ++at)
    if (auto member = at->second.lock()) found.push_back(std::move(member));
  return found;
}

}  // namespace cloudflow::pubsub::kafka
