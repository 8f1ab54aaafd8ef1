/// The plan: everything that acts (sandbox, package, operator, CLI) acts on this and on nothing
/// else.
#pragma once

#include "cloudflow/blueprint/descriptor.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace cloudflow::blueprint {

/// How often a record may take effect in what the streamlet writes and keeps.
enum class delivery { exactly_once, at_least_once, at_most_once };
/// As configuration spells it: `exactly-once`.
std::string_view to_string(delivery guarantee);

/// A topic as it is to be.
struct topic_plan {
  std::string id = {};       ///< its key in the blueprint
  std::string name = {};     ///< `topic.name` or the id, after the prefix (not if others manage it)
  std::string cluster = {};  ///< empty: the default one
  /// Topics with the same place are reached over the same connection; empty: no cluster is configured for it, and the
  /// sandbox keeps it in the embedded log.
  std::string place = {};
  bool is_managed = true;
  std::int32_t partitions = 1;
  std::int32_t replicas = 1;  ///< 0: as many as the cluster makes by default
  std::map<std::string, std::string> properties = {};  ///< Kafka's topic properties
  /// Properties of clients of its cluster, and of those of this topic.
  std::map<std::string, std::string> connection = {}, producer = {}, consumer = {};
  schema_descriptor schema = {};  ///< of its producers (its consumers, if others produce)
  /// Avro, as JSON: what records without schema header were written with, where that is configured.
  std::string base_schema = {};
  std::vector<std::string> producers = {};  ///< `streamlet.outlet`, sorted
  std::vector<std::string> consumers = {};  ///< `streamlet.inlet`, sorted
  /// True for topics that are not in the blueprint: those of dead letters, of retried and of repartitioned records.
  bool is_internal = false;
  /// Of a topic of retried records: the id of the topic that they came from. It has at least as many partitions.
  std::string retries_of = {};
};

/// What happens to a record that an inlet cannot decode or whose processing failed.
enum class bad_record_policy { dead_letter, skip, fail };
/// As configuration spells it: `dead-letter`.
std::string_view to_string(bad_record_policy policy);

struct port_plan {
  std::string name = {};
  std::string topic_id = {};
  schema_descriptor schema = {};
  std::string key = {};
  /// Inlets only: `<app>.<streamlet>.<inlet>`, after the prefix.
  std::string group = {};
  bad_record_policy on_bad_record = bad_record_policy::dead_letter;
  /// Inlets with the policy `dead_letter` only: `<app>.<streamlet>.<inlet>.dead-letter`, after the
  /// prefix.
  std::string dead_letter_topic = {};
  /// The same inlets: `<app>.<streamlet>.<inlet>.retry`, after the prefix. A second source of this inlet alone, with the
  /// partitions and the schema of its topic: dead letters come back through it.
  std::string retry_topic = {};
};

/// An internal topic through which the records of an inlet come into the tasks of their keys, on their way to a state.
struct repartition_plan {
  std::string state = {};
  /// The streamlet's way in and out. The topic is `<app>.<streamlet>.<state>.repartition`, after the prefix; what is
  /// retried goes there once more. The group is that of the first inlet; name, policy and dead letters are those of the
  /// inlet that the records come from.
  port_plan port = {};
};

struct streamlet_plan {
  std::string name = {};
  std::string class_name = {};
  std::string runtime = {};
  std::int32_t replicas = 1;
  std::map<std::string, std::string> parameters = {};  ///< key -> resolved text, defaults included
  std::map<std::string, std::string> mounts = {};      ///< mount name -> directory
  std::vector<port_plan> inlets = {}, outlets = {};
  std::vector<repartition_plan> repartitions = {};
  /// An inlet's partition that has had nothing to read for so long holds up no windows behind a repartition topic.
  std::chrono::milliseconds idle_timeout{60'000};
  delivery guarantee = delivery::exactly_once;
  bool has_server = false;
  streamlet_descriptor descriptor = {};
};

struct plan {
  std::string app_id = {};
  std::string app_version = {};
  std::string prefix = {};
  std::vector<streamlet_plan> streamlets = {};  ///< in the order of the blueprint
  std::vector<topic_plan> topics = {};  ///< in the order of the blueprint, then internal ones

  const streamlet_plan* find_streamlet(std::string_view name) const;
  const topic_plan* find_topic(std::string_view id) const;
};

/// The plan of one process of a streamlet: that streamlet, and the topics that it uses. @pre there is such a streamlet.
plan part_of(const plan& whole, std::string_view streamlet);

}  // namespace cloudflow::blueprint
