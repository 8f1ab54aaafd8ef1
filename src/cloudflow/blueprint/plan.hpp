/// The plan: everything that acts (sandbox, package, operator, CLI) acts on this and on nothing
/// else.
///
/// It comes from files alone and is complete when resolve() returns: nothing is derived from it a
/// second time, and nothing is changed in it afterwards. It holds no secret: where one is
/// configured, the plan says where its text stands. Immutable values, compared by content.
#pragma once

#include "cloudflow/blueprint/descriptor.hpp"
#include "cloudflow/pubsub/durable_names.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cloudflow::blueprint {

/// How often a record may take effect in what the streamlet writes and keeps.
enum class delivery { exactly_once, at_least_once, at_most_once };
/// As configuration spells it: `exactly-once`.
std::string_view to_string(delivery guarantee);

/// A configured text; of a secret one, where it stands.
struct setting {
  std::string text = {};         ///< empty for a secret
  std::string secret_path = {};  ///< of a secret: its path in the configuration; else empty

  setting() = default;
  // Implicit: what is no secret is its text.
  setting(std::string plain) : text(std::move(plain)) {}
  setting(const char* plain) : text(plain) {}
  static setting secret(std::string path) {
    setting s;
    s.secret_path = std::move(path);
    return s;
  }
  bool is_secret() const noexcept { return !secret_path.empty(); }

  bool operator==(const setting&) const = default;
};
using settings_by_name = std::map<std::string, setting>;

/// The secrets of a plan: path in the configuration -> text. Never printed, never part of a plan.
using secret_texts = std::map<std::string, std::string>;

/// The texts of settings, the secret ones put in. A secret that `secrets` lacks is left out.
std::map<std::string, std::string> texts_of(const settings_by_name& settings,
                                            const secret_texts& secrets);

/// A topic as it is to be.
struct topic_plan {
  std::string id = {};       ///< its key in the blueprint; unique in the plan
  std::string name = {};     ///< `topic.name` or the id, after the prefix (not if others manage it)
  std::string cluster = {};  ///< empty: the default one
  /// Topics with the same key are reached over the same connection; empty: no cluster is
  /// configured for it, and the sandbox keeps it in the embedded log.
  std::string cluster_key = {};
  bool is_managed = true;
  std::int32_t partitions = 1;
  std::int32_t replicas = 1;  ///< 0: as many as the cluster makes by default
  std::map<std::string, std::string> properties = {};  ///< Kafka's topic properties
  /// Properties of clients of its cluster, and of those of this topic.
  settings_by_name connection = {}, producer = {}, consumer = {};
  schema_descriptor schema = {};  ///< of its producers (its consumers, if others produce)
  /// Avro, as JSON: what records without schema header were written with, where that is configured.
  std::string base_schema = {};
  std::vector<std::string> producers = {};  ///< `streamlet.outlet`, sorted
  std::vector<std::string> consumers = {};  ///< `streamlet.inlet`, sorted
  /// True for topics that are not in the blueprint: those of dead letters, of retried and of
  /// repartitioned records.
  bool is_internal = false;
  /// Of a topic of retried records: the topic that they came from. It has at least as many
  /// partitions.
  std::optional<std::size_t> retries_of = {};

  bool operator==(const topic_plan&) const = default;
};

/// What happens to a record that an inlet cannot decode or whose processing failed.
enum class bad_record_policy { dead_letter, skip, fail };
/// As configuration spells it: `dead-letter`.
std::string_view to_string(bad_record_policy policy);

/// A port and the topics that it uses. Topics are referred to by their index in `plan::topics`.
struct port_plan {
  std::string name = {};
  std::size_t topic = 0;
  schema_descriptor schema = {};
  std::string key = {};
  /// Inlets only. Those that share state share the group of the first by name.
  std::string group = {};
  bad_record_policy on_bad_record = bad_record_policy::dead_letter;
  /// Inlets with the policy `dead_letter` only.
  std::optional<std::size_t> dead_letter_topic = {};
  /// The same inlets: a second source of this inlet alone, with the partitions and the schema of
  /// its topic: dead letters come back through it.
  std::optional<std::size_t> retry_topic = {};

  bool operator==(const port_plan&) const = default;
};

/// A state that a streamlet keeps.
struct state_plan {
  std::string name = {};   ///< as its author calls it
  std::string store = {};  ///< the durable name of its values
  std::string parked_store = {};
  schema_descriptor key = {}, value = {};
  std::string window = {};  ///< its kind, for example `tumbling`; empty: none

  bool operator==(const state_plan&) const = default;
};

/// An internal topic through which the records of an inlet come into the tasks of their keys, on
/// their way to a state.
struct repartition_plan {
  std::size_t state = 0;  ///< index in `streamlet_plan::states`
  /// The streamlet's way in and out. What is retried goes there once more. The group is that of the
  /// inlets; name, policy and dead letters are those of the inlet that the records come from.
  port_plan port = {};

  bool operator==(const repartition_plan&) const = default;
};

/// What becomes of a window whose result cannot be processed. Policies: `dead_letter` and `fail`.
struct window_plan {
  std::size_t state = 0;  ///< that holds the windows: index in `streamlet_plan::states`
  bad_record_policy on_bad_window = bad_record_policy::dead_letter;
  std::optional<std::size_t> dead_letter_topic = {};  ///< with the policy `dead_letter`

  bool operator==(const window_plan&) const = default;
};

struct streamlet_plan {
  std::string name = {};
  std::string class_name = {};
  std::string runtime = {};
  std::int32_t replicas = 1;
  settings_by_name parameters = {};                  ///< by key, defaults included
  std::map<std::string, std::string> mounts = {};    ///< mount name -> directory
  std::vector<port_plan> inlets = {}, outlets = {};  ///< in the order of the descriptor
  std::vector<state_plan> states = {};
  std::vector<repartition_plan> repartitions = {};
  std::vector<window_plan> windows = {};
  /// Of records that the streamlet's own sources emit and nobody waits for. None without sources.
  std::optional<std::size_t> dead_letter_topic = {};
  /// An inlet's partition that has had nothing to read for so long holds up no windows behind a
  /// repartition topic.
  std::chrono::milliseconds idle_timeout{60'000};
  /// What holds, which may be more than was configured: the embedded log commits exactly once.
  delivery guarantee = delivery::exactly_once;
  bool has_server = false;
  /// Where its state and its positions are: the `cluster_key` of a topic; empty: in the embedded
  /// log.
  std::string state_cluster_key = {};
  /// Tasks, and partitions of its state, as far as files tell. Topics that others manage may have
  /// more partitions than is configured.
  std::int32_t partitions = 1;
  std::string event_time_store = {};
  /// Of a streamlet that may keep state on Kafka; else empty.
  std::string changelog_topic = {};

  bool operator==(const streamlet_plan&) const = default;
};

struct plan {
  std::string app_id = {};
  std::string app_version = {};
  std::string prefix = {};
  std::string transactional_id_prefix = {};     ///< every transactional id begins with it
  std::vector<streamlet_plan> streamlets = {};  ///< in the order of the blueprint
  std::vector<topic_plan> topics = {};  ///< in the order of the blueprint, then internal ones

  pubsub::durable_names names() const { return {prefix, app_id}; }
  /// What a user has named; null: there is none. The parts of a plan refer to each other by index.
  const streamlet_plan* find_streamlet(std::string_view name) const;
  const topic_plan* find_topic(std::string_view id) const;

  bool operator==(const plan&) const = default;
};

/// The states of a class as a streamlet of that name keeps them.
std::vector<state_plan> plan_states(std::string_view streamlet,
                                    const std::vector<state_descriptor>& states);

/// Calls `f(std::size_t&)` with each reference of a streamlet to a topic.
template <class F>
void for_each_topic_of(streamlet_plan& s, F f) {
  const auto of_port = [&](port_plan& port) {
    f(port.topic);
    if (port.dead_letter_topic) f(*port.dead_letter_topic);
    if (port.retry_topic) f(*port.retry_topic);
  };
  for (auto& port : s.inlets) of_port(port);
  for (auto& port : s.outlets) of_port(port);
  for (auto& r : s.repartitions) of_port(r.port);
  for (auto& w : s.windows)
    if (w.dead_letter_topic) f(*w.dead_letter_topic);
  if (s.dead_letter_topic) f(*s.dead_letter_topic);
}

/// The plan of one process of a streamlet: that streamlet, and the topics that it uses. @pre there
/// is such a streamlet.
plan part_of(const plan& whole, std::string_view streamlet);

}  // namespace cloudflow::blueprint
