/// The members of a plan, each named once: what writes a plan and what reads it visit the same.
#pragma once

#include "cloudflow/blueprint/plan.hpp"

namespace cloudflow::app::internal {

template <class Visitor>
void visit(Visitor& v, blueprint::port_plan& p) {
  v.text("name", p.name);
  v.topic("topic", p.topic);
  v.schema("schema", p.schema);
  v.text("key", p.key);
  v.text("group", p.group);
  v.word("on-bad-record", p.on_bad_record,
         {blueprint::bad_record_policy::dead_letter, blueprint::bad_record_policy::skip,
          blueprint::bad_record_policy::fail});
  v.topic("dead-letter-topic", p.dead_letter_topic);
  v.topic("retry-topic", p.retry_topic);
}

template <class Visitor>
void visit(Visitor& v, blueprint::state_plan& s) {
  v.text("name", s.name);
  v.text("store", s.store);
  v.text("parked-store", s.parked_store);
  v.schema("key", s.key);
  v.schema("value", s.value);
  v.text("window", s.window);
}

template <class Visitor>
void visit(Visitor& v, blueprint::repartition_plan& r) {
  v.number("state", r.state);
  v.object("port", r.port);
}

template <class Visitor>
void visit(Visitor& v, blueprint::window_plan& w) {
  v.number("state", w.state);
  v.word("on-bad-window", w.on_bad_window,
         {blueprint::bad_record_policy::dead_letter, blueprint::bad_record_policy::skip,
          blueprint::bad_record_policy::fail});
  v.topic("dead-letter-topic", w.dead_letter_topic);
}

template <class Visitor>
void visit(Visitor& v, blueprint::streamlet_plan& s) {
  v.text("name", s.name);
  v.text("class", s.class_name);
  v.text("runtime", s.runtime);
  v.number("replicas", s.replicas);
  v.word("guarantee", s.guarantee,
         {blueprint::delivery::exactly_once, blueprint::delivery::at_least_once,
          blueprint::delivery::at_most_once});
  v.flag("has-server", s.has_server);
  v.settings("parameters", s.parameters);
  v.texts("mounts", s.mounts);
  v.list("inlets", s.inlets);
  v.list("outlets", s.outlets);
  v.list("states", s.states);
  v.list("repartitions", s.repartitions);
  v.list("windows", s.windows);
  v.topic("dead-letter-topic", s.dead_letter_topic);
  v.milliseconds("idle-timeout-ms", s.idle_timeout);
  v.number("partitions", s.partitions);
  v.text("state-cluster-key", s.state_cluster_key);
  v.text("event-time-store", s.event_time_store);
  v.text("changelog-topic", s.changelog_topic);
}

template <class Visitor>
void visit(Visitor& v, blueprint::topic_plan& t) {
  v.text("id", t.id);
  v.text("name", t.name);
  v.text("cluster", t.cluster);
  v.text("cluster-key", t.cluster_key);
  v.flag("managed", t.is_managed);
  v.flag("internal", t.is_internal);
  v.number("partitions", t.partitions);
  v.number("replicas", t.replicas);
  v.topic("retries-of", t.retries_of);
  v.texts("properties", t.properties);
  v.settings("connection", t.connection);
  v.settings("producer", t.producer);
  v.settings("consumer", t.consumer);
  v.schema("schema", t.schema);
  v.text("base-schema", t.base_schema);
  v.names("producers", t.producers);
  v.names("consumers", t.consumers);
}

template <class Visitor>
void visit(Visitor& v, blueprint::plan& p) {
  v.text("application", p.app_id);
  v.text("version", p.app_version);
  v.text("prefix", p.prefix);
  v.text("transactional-id-prefix", p.transactional_id_prefix);
  v.list("streamlets", p.streamlets);
  v.list("topics", p.topics);
}

}  // namespace cloudflow::app::internal
