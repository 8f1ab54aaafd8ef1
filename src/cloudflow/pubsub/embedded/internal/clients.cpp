#include "cloudflow/pubsub/embedded/internal/clients.hpp"

#include <fmt/format.h>

namespace cloudflow::pubsub::embedded {

result<std::unique_ptr<consumer>> embedded_consumer::open(const consumer_options& wanted,
                                                          const storage& disk,
                                                          const topic_table& topics) {
  std::unique_ptr<embedded_consumer> made{new embedded_consumer{wanted}};
  for (const auto& name : wanted.topics) {
    auto* topic = topics.find(name);
    if (topic == nullptr)
      return error{errc::topic_not_found,
                   fmt::format("Group {}: there is no topic {}.", wanted.group, name)};
    CLOUDFLOW_TRY(made->join(*topic, disk, wanted.start_at));
  }
  return std::unique_ptr<consumer>{std::move(made)};
}

result<void> embedded_consumer::join(topic_state& topic, const storage& disk,
                                     consumer_options::start start) {
  if (!topic.add_member(group_, waker_))
    return error{errc::in_use,
                 fmt::format("Group {} reads topic {} already. The embedded log has one consumer "
                             "for each group: close the other one first.",
                             group_, topic.spec().name)};
  joined_.push_back(&topic);
  for (std::int32_t i = 0; i != topic.partition_count(); ++i) {
    auto& partition = topic.partition(partition_id{i});
    const auto next = partition.open_reader(group_, start);
    sources_.emplace(partition.source(), assigned{&partition, {disk, partition, next}});
  }
  return {};
}

embedded_consumer::~embedded_consumer() {
  for (auto* topic : joined_) topic->remove_member(group_);
  waker_->close();
}

result<std::vector<assignment>> embedded_consumer::poll_assignments() {
  std::vector<assignment> changes;
  if (std::exchange(is_announced_, true)) return changes;
  for (const auto& [source, at] : sources_)
    changes.push_back({assignment::kind::assigned, source, at.reader.next()});
  return changes;
}

result<record_batch> embedded_consumer::fetch(const topic_partition& source, fetch_limits limits) {
  const auto at = sources_.find(source);
  if (at == sources_.end()) return not_assigned(source);
  return at->second.reader.fetch(limits);
}

result<void> embedded_consumer::seek(const topic_partition& source, record_offset next) {
  const auto at = sources_.find(source);
  if (at == sources_.end()) return not_assigned(source);
  at->second.reader.seek(next);
  return {};
}

result<record_offset> embedded_consumer::end_offset(const topic_partition& source) const {
  const auto at = sources_.find(source);
  if (at == sources_.end()) return not_assigned(source);
  return at->second.partition->end().offset;
}

void embedded_consumer::release(const topic_partition& source) { sources_.erase(source); }

error embedded_consumer::not_assigned(const topic_partition& source) const {
  return {errc::failed, fmt::format("{} is not assigned to this consumer of group {}.",
                                    to_string(source), group_)};
}

}  // namespace cloudflow::pubsub::embedded
