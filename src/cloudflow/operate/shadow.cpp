#include "cloudflow/operate/shadow.hpp"

#include "cloudflow/blueprint/names.hpp"

#include <fmt/format.h>

namespace cloudflow::operate {

namespace {

class shadow_builder {
public:
  shadow_builder(const blueprint::plan& plan, const blueprint::streamlet_plan& original,
                 std::string_view name)
    : plan_(plan), original_(original), name_(name) {}

  blueprint::plan build() {
    out_.app_id = plan_.app_id;
    out_.app_version = plan_.app_version;
    out_.prefix = plan_.prefix;
    auto streamlet = original_;
    streamlet.name = name_;
    for (auto& port : streamlet.inlets) redirect_inlet(port);
    for (auto& port : streamlet.outlets) redirect_outlet(port);
    for (auto& r : streamlet.repartitions) redirect_repartition(r.port);
    out_.streamlets.push_back(std::move(streamlet));
    return std::move(out_);
  }

private:
  /// `<app>.<streamlet>.<rest>` of the original becomes `<app>.<name>.<rest>`.
  std::string own_name(const std::string& of_original) const {
    const auto beginning = fmt::format("{}{}.{}.", plan_.prefix, plan_.app_id, original_.name);
    if (!of_original.starts_with(beginning)) return of_original;
    return fmt::format("{}{}.{}.{}", plan_.prefix, plan_.app_id, name_,
                       of_original.substr(beginning.size()));
  }

  void redirect_inlet(blueprint::port_plan& port) {
    if (const auto* topic = plan_.find_topic(port.topic_id)) {
      auto source = *topic;
      source.is_managed = false;  // it is the original's
      source.producers.clear();   // it does not grow while it is read
      source.consumers = {name_ + "." + port.name};
      add(std::move(source));
    }
    port.group = own_name(port.group);
    for (auto* internal : {&port.dead_letter_topic, &port.retry_topic}) {
      const auto* topic = plan_.find_topic(internal->substr(0).erase(0, plan_.prefix.size()));
      if (internal->empty() || topic == nullptr) continue;
      auto own = *topic;
      *internal = own.name = own_name(*internal);
      own.id = own.name.substr(plan_.prefix.size());
      add(std::move(own));
    }
  }

  /// It begins empty: what the original has moved and not processed is among what is replayed.
  void redirect_repartition(blueprint::port_plan& port) {
    auto own = *plan_.find_topic(port.topic_id);
    own.name = own_name(own.name);
    own.id = own.name.substr(plan_.prefix.size());
    port.topic_id = own.id;
    port.group = own_name(port.group);
    port.dead_letter_topic = own_name(port.dead_letter_topic);
    port.retry_topic = own_name(port.retry_topic);
    add(std::move(own));
  }

  void redirect_outlet(blueprint::port_plan& port) {
    const auto* topic = plan_.find_topic(port.topic_id);
    if (topic == nullptr) return;
    auto own = *topic;
    own.id += "." + name_;
    own.name += "." + name_;
    own.is_managed = true;
    own.producers = {name_ + "." + port.name};
    own.consumers.clear();
    port.topic_id = own.id;
    add(std::move(own));
  }

  /// Two ports may share a topic.
  void add(blueprint::topic_plan topic) {
    if (out_.find_topic(topic.id) == nullptr) out_.topics.push_back(std::move(topic));
  }

  const blueprint::plan& plan_;
  const blueprint::streamlet_plan& original_;
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
  if (plan.find_streamlet(name) != nullptr)
    return error{fmt::format("the application has a streamlet {}: choose another name", name)};
  if (original.inlets.empty())
    return error{
        fmt::format("streamlet {} has no inlets: there is nothing to replay to it", original.name)};
  auto shadow = shadow_builder{plan, original, name}.build();
  for (const auto& topic : shadow.topics)
    if (!blueprint::is_topic_name(topic.name))
      return error{fmt::format("'{}' is too long for a topic: choose a shorter name", topic.name)};
  return shadow;
}

}  // namespace cloudflow::operate
