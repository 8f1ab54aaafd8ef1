/// The names under which what an application keeps outlives its processes: groups, topics, stores
/// and transactional ids. Only topics of the blueprint (blueprint/resolve_topics.cpp) and copies of
/// replays (operate/shadow.cpp) are named elsewhere.
///
/// What authors name (streamlets, ports, states) consists of lower case letters, digits and inner
/// hyphens. Every name made here ends in a word for its kind and has a fixed number of parts for
/// it, so that two different things never share a name, whatever their authors call them:
///
///     group                  <app>.<streamlet>.<inlet>                    as in Cloudflow 2.3
///     dead letters           <app>.<streamlet>.<inlet>.dead-letter        topic
///     dead windows           <app>.<streamlet>.<state>.dead-letter        topic; see below
///     of sources             <app>.<streamlet>.dead-letter                topic
///     retried records        <app>.<streamlet>.<inlet>.retry              topic, transactional id
///     repartitioned records  <app>.<streamlet>.<state>.repartition        topic
///     changelog              <app>.<streamlet>.changelog                  topic
///     values of a state      <streamlet>.<state>                          store
///     parked records         <streamlet>.<state>.parked                   store
///     of a streamlet         <streamlet>..<what>                          store
///     of no streamlet        .<what>                                      store
///     worker                 <app>[.<instance>].<number>.worker           transactional id
///     writer of stores       <app>.<streamlet>[.<instance>].stores        transactional id
///     replay                 <app>.<streamlet>.replay                     transactional id
///     moved positions        <app>.<streamlet>.<inlet>.offsets            transactional id
///     sent records           <app>.<topic>.send                           transactional id
///
/// The outlets of a copy (`replay --into`) write to `<topic>.<copy>`: operate/shadow.cpp.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace cloudflow::pubsub {

/// The durable names of one application. Immutable; thread-safe.
class durable_names {
public:
  /// `prefix` goes before everything: it tells one application from its twin on the same cluster.
  durable_names(std::string_view prefix, std::string_view application)
    : durable_names(std::string{prefix}.append(application)) {}
  /// `application`: its id, after the prefix.
  explicit durable_names(std::string application) : application_(std::move(application)) {}

  // -- groups and topics --------------------------------------------------------------------------

  std::string group(std::string_view streamlet, std::string_view inlet) const;
  /// The streamlet that a group belongs to; empty: it is no group of this application.
  std::string_view streamlet_of_group(std::string_view group) const noexcept;
  std::string dead_letter_topic(std::string_view streamlet, std::string_view inlet) const;
  /// The one kind of name that is not unique by its form: an inlet may have the name of a state.
  /// The plan refuses that.
  std::string window_dead_letter_topic(std::string_view streamlet, std::string_view state) const;
  std::string source_dead_letter_topic(std::string_view streamlet) const;
  std::string retry_topic(std::string_view streamlet, std::string_view inlet) const;
  std::string repartition_topic(std::string_view streamlet, std::string_view state) const;
  std::string changelog_topic(std::string_view streamlet) const;

  // -- transactional ids --------------------------------------------------------------------------

  /// All of them begin with this.
  std::string transactional_id_prefix() const { return application_ + "."; }
  /// `instance` tells processes of the same streamlets apart; empty: there is one.
  std::string worker_id(std::string_view instance, std::size_t number) const;
  /// Of whoever records what the stores of a streamlet are.
  std::string stores_id(std::string_view streamlet, std::string_view instance) const;
  /// Of whoever moves the dead letters of an inlet.
  std::string dead_letters_id(std::string_view streamlet, std::string_view inlet) const;
  /// Of whoever sets the positions of a replay.
  std::string replay_id(std::string_view streamlet) const;
  /// Of whoever moves the positions of an inlet by hand.
  std::string offsets_id(std::string_view streamlet, std::string_view inlet) const;
  /// Of whoever sends records to a topic by hand.
  std::string send_id(std::string_view topic) const;

private:
  std::string application_;
};

// -- stores ---------------------------------------------------------------------------------------

/// What the author calls a state.
std::string state_store(std::string_view streamlet, std::string_view state);
/// Records that wait for another attempt of what a state is about.
std::string parked_store(std::string_view streamlet, std::string_view state);
/// How far event time is in the tasks of a streamlet.
std::string event_time_store(std::string_view streamlet);
/// The positions that a changelog keeps of the groups of a streamlet.
std::string positions_store(std::string_view streamlet);

/// What stores are: the name of each, and its schemas.
inline constexpr std::string_view registry_store = ".stores";
/// How far local copies of changelogs are.
inline constexpr std::string_view copies_store = ".copies";

/// The streamlet that a store belongs to; empty: it belongs to none, and its keys are names of
/// stores or tasks.
constexpr std::string_view owner_of(std::string_view store) noexcept {
  return store.substr(0, store.find('.'));
}
constexpr bool belongs_to_no_task(std::string_view store) noexcept {
  return owner_of(store).empty();
}

/// The topic of a Kafka cluster in which all applications keep schemas and what stores are.
inline constexpr std::string_view catalog_topic = "cloudflow.schemas";

}  // namespace cloudflow::pubsub
