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
    auto& t = plan.topics.emplace_back();
    t.id = t.name = id;
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
    s.descriptor = definition.describe();
    s.class_name = s.descriptor.class_name;
    definitions[s.class_name] = &definition;
    for (const auto& p : s.descriptor.inlets) {
      const auto group = "app." + name + "." + p.name;
      auto& dead = plan.topics.emplace_back();
      dead.id = dead.name = group + ".dead-letter";
      s.inlets.push_back({.name = p.name,
                          .topic_id = p.name,
                          .schema = p.schema,
                          .key = p.key,
                          .group = group,
                          .on_bad_record = policy,
                          .dead_letter_topic = dead.name});
    }
    for (const auto& p : s.descriptor.outlets) {
      s.outlets.push_back({.name = p.name, .topic_id = p.name, .schema = p.schema, .key = p.key});
      for (auto& t : plan.topics)
        if (t.id == p.name) t.producers.push_back(name + "." + p.name);
    }
    for (const auto& state : s.descriptor.states) repartition(s, state);
    return s;
  }

  /// Where records of a key may be in several partitions.
  void repartition(blueprint::streamlet_plan& s, const blueprint::state_descriptor& state) {
    for (const auto& inlet : s.inlets) {
      const auto partitions = plan.find_topic(inlet.topic_id)->partitions;
      if (state.inlet != inlet.name || !inlet.key.empty() || partitions == 1) continue;
      auto& moved = s.repartitions.emplace_back(blueprint::repartition_plan{state.name, inlet});
      moved.port.topic_id = "app." + s.name + "." + state.name + ".repartition";
      moved.port.schema = state.repartition;
      auto& t = plan.topics.emplace_back();
      t.id = t.name = moved.port.topic_id;
      t.partitions = partitions;
      t.schema = state.repartition;
    }
  }

  /// A second source of an inlet: a topic like its own.
  std::string retry_topic(blueprint::port_plan& inlet) {
    auto t = *plan.find_topic(inlet.topic_id);
    t.id = t.name = inlet.retry_topic = inlet.group + ".retry";
    t.producers.clear();
    plan.topics.push_back(std::move(t));
    return inlet.retry_topic;
  }

  blueprint::plan plan{};
  std::map<std::string, const streamlet_definition*> definitions{};
};

}  // namespace cloudflow::runtime
