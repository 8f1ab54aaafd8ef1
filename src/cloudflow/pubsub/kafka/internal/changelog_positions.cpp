// The positions that are kept with the state of tasks, each with the id of its topic: a topic that
// is deleted and made again has the name of the former one, and none of its records.
#include "cloudflow/pubsub/kafka/internal/changelog.hpp"
#include "cloudflow/pubsub/kafka/internal/connection.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace cloudflow::pubsub::kafka {
namespace {

pubsub::error of_another_topic(const std::string& group, const topic_partition& source,
                               record_offset at) {
  return {errc::offset_out_of_range,
          fmt::format("topic \"{}\" was deleted and made again: the position {} of group \"{}\" is "
                      "not of this one. Move the group to where it shall go on (offsets set), and "
                      "begin with empty state if that was computed from the former one.",
                      source.topic, at.value(), group)};
}

}  // namespace

bool changelog::keeps_positions_of(std::string_view group) const {
  return !session_->wanted().state_directory.empty() && !owner_of_group(group).empty();
}

// -- ids of topics --------------------------------------------------------------------------------

result<void> changelog::begin(const std::string& group,
                              const std::vector<topic_partition>& sources) {
  if (!keeps_positions_of(group)) return {};
  return learn_ids(sources);
}

/// A topic that is not there has no id: what is to be done with it says so.
result<void> changelog::learn_ids(const std::vector<topic_partition>& of) {
  std::vector<std::string> names;
  for (const auto& each : of)
    if (std::find(names.begin(), names.end(), each.topic) == names.end())
      names.push_back(each.topic);
  const auto found = CLOUDFLOW_TRY(requests_.describe(names));
  const std::lock_guard lock{mutex_};
  for (const auto& each : of) {
    const auto at = std::find_if(found.begin(), found.end(),
                                 [&](const auto& facts) { return facts.name == each.topic; });
    topic_ids_[each.topic][each.partition] = at == found.end() ? std::string{} : at->id;
  }
  return {};
}

/// Null: nobody has asked for it yet.
const std::string* changelog::known_id(std::string_view topic, partition_id partition) const {
  const auto partitions = topic_ids_.find(topic);
  if (partitions == topic_ids_.end()) return nullptr;
  const auto at = partitions->second.find(partition);
  return at == partitions->second.end() ? nullptr : &at->second;
}

/// Asks for what is committed for a group that nobody here reads for: by hand, once each.
result<void> changelog::learn_ids_of(const std::vector<position_change>& positions) {
  std::vector<topic_partition> unknown;
  {
    const std::shared_lock lock{mutex_};
    for (const auto& each : positions)
      if (is_kept(each) && known_id(each.topic, each.partition) == nullptr)
        unknown.push_back({std::string{each.topic}, each.partition});
  }
  return unknown.empty() ? result<void>{} : learn_ids(unknown);
}

// -- positions ------------------------------------------------------------------------------------

/// The state that it belongs to is here.
bool changelog::is_kept(const position_change& change) const {
  const auto owner = owner_of_group(change.group);
  return !owner.empty() && is_here(owner, change.partition);
}

result<void> changelog::add_positions(const std::vector<position_change>& changes,
                                      std::vector<changelog_part>& to) const {
  for (const auto& change : changes) {
    if (!is_kept(change)) continue;
    const auto owner = owner_of_group(change.group);
    const auto part = CLOUDFLOW_TRY(part_of(to, owner, change.partition));
    const auto* id = known_id(change.topic, change.partition);
    const auto key = position_key(change.group, change.topic);
    const auto value = position_value(change.next, id == nullptr ? std::string_view{} : *id);
    append(*part->records, {positions_store(owner), key, value});
  }
  return {};
}

result<std::optional<kept_position>> changelog::last_known(const std::string& group,
                                                           const topic_partition& source,
                                                           const std::stop_token& stop) {
  using nothing = std::optional<kept_position>;
  if (!keeps_positions_of(group)) return nothing{};
  const auto owner = owner_of_group(group);
  const auto topic = requests_.describe(topic_of(owner));
  if (!topic && topic.error().code == errc::topic_not_found) return nothing{};
  if (!topic) return topic.error();
  if (topic->partitions <= source.partition.value()) return nothing{};
  CLOUDFLOW_TRY(bring_unless_here({std::string{owner}, source.partition}, stop));
  const auto copies = CLOUDFLOW_TRY(local());
  const auto found = CLOUDFLOW_TRY(copies->reader().find(positions_store(owner), source.partition,
                                                         position_key(group, source.topic)));
  if (!found) return nothing{};
  const auto written = read_position(*found);
  if (!written) return nothing{};
  return compare(group, source, *written);
}

/// A copy whose task is here follows all commits, and is in use: it is not looked at whether it
/// had better be read anew.
result<void> changelog::bring_unless_here(const task_id& id, const std::stop_token& stop) {
  const auto changing = changing_of(id);
  const std::lock_guard no_other_change{*changing};
  {
    const std::shared_lock lock{mutex_};
    if (is_here(id.owner, id.partition)) return {};
  }
  CLOUDFLOW_TRY(bring(id, stop));
  return {};
}

/// With the topic that is there now.
result<std::optional<kept_position>> changelog::compare(const std::string& group,
                                                        const topic_partition& source,
                                                        const written_position& written) {
  CLOUDFLOW_TRY(learn_ids({source}));
  kept_position kept{written.next, {}};
  const std::shared_lock lock{mutex_};
  const auto& now = *known_id(source.topic, source.partition);
  if (!written.topic_id.empty() && !now.empty() && written.topic_id != now)
    kept.problem = of_another_topic(group, source, written.next);
  return std::optional{std::move(kept)};
}

}  // namespace cloudflow::pubsub::kafka
