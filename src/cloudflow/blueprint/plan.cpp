#include "cloudflow/blueprint/plan.hpp"

#include <algorithm>
#include <iterator>

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

plan part_of(const plan& whole, std::string_view streamlet) {
  plan part{.app_id = whole.app_id, .app_version = whole.app_version, .prefix = whole.prefix};
  const auto& s = part.streamlets.emplace_back(*whole.find_streamlet(streamlet));
  const auto uses = [&](const topic_plan& t) {
    const auto is = [&](const port_plan& p) {
      return p.topic_id == t.id || p.dead_letter_topic == t.name || p.retry_topic == t.name;
    };
    const auto goes_through = [&](const repartition_plan& r) { return is(r.port); };
    return std::any_of(s.inlets.begin(), s.inlets.end(), is) ||
           std::any_of(s.outlets.begin(), s.outlets.end(), is) ||
           std::any_of(s.repartitions.begin(), s.repartitions.end(), goes_through);
  };
  std::copy_if(whole.topics.begin(), whole.topics.end(), std::back_inserter(part.topics), uses);
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
