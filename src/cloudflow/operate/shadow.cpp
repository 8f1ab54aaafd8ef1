#include "cloudflow/operate/shadow.hpp"

#include "cloudflow/blueprint/names.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace cloudflow::operate {

namespace {

class shadow_builder {
public:
  shadow_builder(const blueprint::plan& plan, const blueprint::streamlet_plan& original,
                 std::string_view name)
    : plan_(plan), original_(original), names_(plan.names()), name_(name) {}

  blueprint::plan build() {
    out_.app_id = plan_.app_id;
    out_.app_version = plan_.app_version;
    out_.prefix = plan_.prefix;
    out_.transactional_id_prefix = plan_.transactional_id_prefix;
    auto streamlet = original_;
    streamlet.name = name_;
    for (auto& port : streamlet.inlets) redirect_inlet(port);
    for (auto& port : streamlet.outlets) redirect_outlet(port);
    for (auto& r : streamlet.repartitions) redirect_repartition(r, streamlet);
    for (auto& w : streamlet.windows)
      if (w.dead_letter_topic)
        w.dead_letter_topic =
            add_internal(*w.dead_letter_topic,
                         names_.window_dead_letter_topic(name_, streamlet.states[w.state].name));
    if (streamlet.dead_letter_topic)
      streamlet.dead_letter_topic =
          add_internal(*streamlet.dead_letter_topic, names_.source_dead_letter_topic(name_));
    for (auto& state : streamlet.states) {
      state.store = pubsub::state_store(name_, state.name);
      state.parked_store = pubsub::parked_store(name_, state.name);
    }
    streamlet.event_time_store = pubsub::event_time_store(name_);
    if (!streamlet.changelog_topic.empty())
      streamlet.changelog_topic = names_.changelog_topic(name_);
    out_.streamlets.push_back(std::move(streamlet));
    return std::move(out_);
  }

private:
  /// Named after the same inlet as the original's.
  std::string own_group(const std::string& of_original) const {
    for (const auto& inlet : original_.inlets)
      if (of_original == names_.group(original_.name, inlet.name))
        return names_.group(name_, inlet.name);
    return of_original;
  }

  void redirect_inlet(blueprint::port_plan& port) {
    auto source = plan_.topics[port.topic];
    source.is_managed = false;  // it is the original's
    source.producers.clear();   // it does not grow while it is read
    source.consumers = {name_ + "." + port.name};
    port.topic = add(std::move(source));
    port.group = own_group(port.group);
    if (port.dead_letter_topic)
      port.dead_letter_topic =
          add_internal(*port.dead_letter_topic, names_.dead_letter_topic(name_, port.name));
    if (!port.retry_topic) return;
    port.retry_topic = add_internal(*port.retry_topic, names_.retry_topic(name_, port.name));
    out_.topics[*port.retry_topic].retries_of = port.topic;
  }

  /// It begins empty: what the original has moved and not processed is among what is replayed.
  void redirect_repartition(blueprint::repartition_plan& r, const blueprint::streamlet_plan& of) {
    auto& port = r.port;
    const auto& inlet = *std::find_if(of.inlets.begin(), of.inlets.end(),
                                      [&](const auto& each) { return each.name == port.name; });
    port.topic = add_internal(port.topic, names_.repartition_topic(name_, of.states[r.state].name));
    port.group = own_group(port.group);
    port.dead_letter_topic = inlet.dead_letter_topic;
    if (port.retry_topic) port.retry_topic = port.topic;
  }

  void redirect_outlet(blueprint::port_plan& port) {
    auto own = plan_.topics[port.topic];
    own.id += "." + name_;
    own.name += "." + name_;
    own.is_managed = true;
    own.producers = {name_ + "." + port.name};
    own.consumers.clear();
    port.topic = add(std::move(own));
  }

  /// An internal topic of the original under the name of ours.
  std::size_t add_internal(std::size_t original, const std::string& name) {
    auto own = plan_.topics[original];
    own.name = name;
    own.id = name.substr(plan_.prefix.size());
    return add(std::move(own));
  }

  /// Its index. Two ports may share a topic.
  std::size_t add(blueprint::topic_plan topic) {
    const auto same = std::find_if(out_.topics.begin(), out_.topics.end(),
                                   [&](const auto& t) { return t.id == topic.id; });
    if (same != out_.topics.end()) return static_cast<std::size_t>(same - out_.topics.begin());
    out_.topics.push_back(std::move(topic));
    return out_.topics.size() - 1;
  }

  const blueprint::plan& plan_;
  const blueprint::streamlet_plan& original_;
  const pubsub::durable_names names_;
  const std::string name_;
  blueprint::plan out_;
};

}  // namespace

result<blueprint::plan> shadow_of(const blueprint::plan& plan,
                                  const blueprint::streamlet_plan& original,
                                  std::string_view name) {
  if (!blueprint::is_dns_name(name))
    return error{fmt::format(
        "'{}' cannot name a streamlet: write letters of a to z, digits and '-' within", name)};
  if (name == blueprint::reserved_streamlet_name)
    return error{fmt::format("'{}' is kept for Cloudflow's own: choose another name", name)};
  if (plan.find_streamlet(name) != nullptr)
    return error{fmt::format("the application has a streamlet {}: choose another name", name)};
  if (original.inlets.empty())
    return error{
        fmt::format("streamlet {} has no inlets: there is nothing to replay to it", original.name)};
  auto shadow = shadow_builder{plan, original, name}.build();
  for (const auto& topic : shadow.topics) {
    if (!blueprint::is_topic_name(topic.name))
      return error{fmt::format("'{}' is too long for a topic: choose a shorter name", topic.name)};
    for (const auto& there : plan.topics)
      if (topic.is_managed && there.name == topic.name && there.cluster_key == topic.cluster_key)
        return error{
            fmt::format("the application has a topic {}: choose another name", there.name)};
  }
  return shadow;
}

}  // namespace cloudflow::operate
