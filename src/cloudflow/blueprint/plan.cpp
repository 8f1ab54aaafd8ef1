#include "cloudflow/blueprint/plan.hpp"

#include <algorithm>

namespace cloudflow::blueprint {
namespace {

template <class Items, class Member>
auto find_by(const Items& items, Member member, std::string_view wanted) {
  const auto found = std::find_if(items.begin(), items.end(),
                                  [&](const auto& item) { return item.*member == wanted; });
  return found == items.end() ? nullptr : &*found;
}

}  // namespace

const streamlet_plan* plan::find_streamlet(std::string_view name) const {
  return find_by(streamlets, &streamlet_plan::name, name);
}

const topic_plan* plan::find_topic(std::string_view id) const {
  return find_by(topics, &topic_plan::id, id);
}

std::map<std::string, std::string> texts_of(const settings_by_name& settings,
                                            const secret_texts& secrets) {
  std::map<std::string, std::string> texts;
  for (const auto& [name, value] : settings) {
    if (!value.is_secret()) {
      texts.emplace(name, value.text);
    } else if (const auto found = secrets.find(value.secret_path); found != secrets.end()) {
      texts.emplace(name, found->second);
    }
  }
  return texts;
}

std::vector<state_plan> plan_states(std::string_view streamlet,
                                    const std::vector<state_descriptor>& states) {
  std::vector<state_plan> planned;
  for (const auto& s : states)
    planned.push_back({.name = s.name,
                       .store = pubsub::state_store(streamlet, s.name),
                       .parked_store = pubsub::parked_store(streamlet, s.name),
                       .key = s.key,
                       .value = s.value,
                       .window = s.window});
  return planned;
}

plan part_of(const plan& whole, std::string_view streamlet) {
  plan part{.app_id = whole.app_id,
            .app_version = whole.app_version,
            .prefix = whole.prefix,
            .transactional_id_prefix = whole.transactional_id_prefix};
  auto& s = part.streamlets.emplace_back(*whole.find_streamlet(streamlet));
  std::vector<bool> is_used(whole.topics.size());
  for_each_topic_of(s, [&](std::size_t topic) { is_used[topic] = true; });
  std::vector<std::size_t> moved_to(whole.topics.size());
  for (std::size_t i = 0; i != whole.topics.size(); ++i) {
    if (!is_used[i]) continue;
    moved_to[i] = part.topics.size();
    part.topics.push_back(whole.topics[i]);
  }
  for_each_topic_of(s, [&](std::size_t& topic) { topic = moved_to[topic]; });
  // A topic of retries comes with the one that they are of: both belong to the same inlet.
  for (auto& t : part.topics)
    if (t.retries_of) t.retries_of = moved_to[*t.retries_of];
  return part;
}

std::string_view to_string(delivery guarantee) {
  switch (guarantee) {
    case delivery::exactly_once: return "exactly-once";
    case delivery::at_least_once: return "at-least-once";
    case delivery::at_most_once: return "at-most-once";
  }
  return "";
}

std::string_view to_string(bad_record_policy policy) {
  switch (policy) {
    case bad_record_policy::dead_letter: return "dead-letter";
    case bad_record_policy::skip: return "skip";
    case bad_record_policy::fail: return "fail";
  }
  return "";
}

}  // namespace cloudflow::blueprint
