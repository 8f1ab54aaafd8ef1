/// Plans of small applications.
#pragma once

#include "cloudflow/blueprint/plan.hpp"
#include "cloudflow/streamlet/streamlet.hpp"

#include <map>
#include <string>
#include <utility>

namespace cloudflow::runtime {

/// An application `app` whose ports are connected to the topics of their names.
struct plan_builder {
  plan_builder() { plan.app_id = "app"; }

  template <class T>
  blueprint::topic_plan& topic(const std::string& id, std::int32_t partitions = 1) {
    auto& t = plan.topics[add_topic(id)];
    t.partitions = partitions;
    t.schema = {std::string{codec<T>::schema_name}, std::string{codec<T>::schema_text}, "", "avro"};
    return t;
  }

  /// Its topics are there. Inlets get a dead-letter topic.
  template <class S>
  blueprint::streamlet_plan& streamlet(
      const std::string& name,
      blueprint::bad_record_policy policy = blueprint::bad_record_policy::dead_letter) {
    const auto& definition = definition_of<S>();
    auto& s = plan.streamlets.emplace_back();
    s.name = name;
    const auto described = definition.describe().value();
    s.class_name = described.class_name;
    s.states = blueprint::plan_states(name, described.states);
    s.event_time_store = pubsub::event_time_store(name);
    definitions[s.class_name] = &definition;
    for (const auto& p : described.inlets)
      s.inlets.push_back(
          {.name = p.name,
           .topic = index_of(p.name),
           .schema = p.schema,
           .key = p.key,
           .group = plan.names().group(name, p.name),
           .on_bad_record = policy,
           .dead_letter_topic = add_topic(plan.names().dead_letter_topic(name, p.name))});
    for (const auto& p : described.outlets) {
      s.outlets.push_back(
          {.name = p.name, .topic = index_of(p.name), .schema = p.schema, .key = p.key});
      plan.topics[index_of(p.name)].producers.push_back(name + "." + p.name);
    }
    for (std::size_t i = 0; i != described.states.size(); ++i)
      repartition(s, i, described.states[i]);
    return s;
  }

  /// Where records of a key may be in several partitions.
  void repartition(blueprint::streamlet_plan& s, std::size_t index,
                   const blueprint::state_descriptor& state) {
    for (const auto& inlet : s.inlets) {
      const auto partitions = plan.topics[inlet.topic].partitions;
      if (state.inlet != inlet.name || state.repartition.schema.empty() ||
          state.is_keyed_by(inlet.key) || partitions == 1)
        continue;
      auto& moved = s.repartitions.emplace_back(blueprint::repartition_plan{index, inlet});
      moved.port.topic = add_topic(plan.names().repartition_topic(s.name, state.name));
      moved.port.schema = state.repartition;
      auto& t = plan.topics[moved.port.topic];
      t.partitions = partitions;
      t.schema = state.repartition;
    }
  }

  /// A second source of an inlet: a topic like its own.
  std::string retry_topic(blueprint::port_plan& inlet) {
    auto t = plan.topics[inlet.topic];
    inlet.retry_topic = add_topic(inlet.group + ".retry");
    t.id = t.name = plan.topics.back().name;
    t.producers.clear();
    plan.topics.back() = std::move(t);
    return plan.topics.back().name;
  }

  /// Its index in the plan.
  std::size_t add_topic(const std::string& name) {
    plan.topics.push_back({.id = name, .name = name});
    return plan.topics.size() - 1;
  }
  std::size_t index_of(const std::string& id) const {
    return static_cast<std::size_t>(plan.find_topic(id) - plan.topics.data());
  }

  blueprint::plan plan{};
  std::map<std::string, const streamlet_definition*> definitions{};
};

}  // namespace cloudflow::runtime
