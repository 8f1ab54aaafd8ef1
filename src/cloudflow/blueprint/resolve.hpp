/// Application and configuration become the plan: the one place for every rule about parameters,
/// topics, groups, guarantees and mounts.
#pragma once

#include "cloudflow/blueprint/application.hpp"
#include "cloudflow/blueprint/plan.hpp"
#include "cloudflow/blueprint/problem.hpp"
#include "cloudflow/config/value.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace cloudflow::blueprint {

struct resolve_options {
  /// Where a volume mount without a directory in the configuration goes:
  /// `<mount_root>/<streamlet>/<mount>`. Empty: the path that the streamlet declares, as in a pod.
  std::string mount_root{};
  /// False for a plan that is only looked at (a graph): required parameters may be missing.
  bool needs_parameters = true;
  std::map<std::string, std::int32_t> replicas = {};  ///< by streamlet; one where it says nothing
};

struct resolution {
  std::optional<plan> result;  ///< there if no problem is an error
  secret_texts secrets;        ///< what the plan refers to
  std::vector<problem> problems;
};

/// Reads, of `configuration` (merged and resolved):
///
///     cloudflow.kafka.prefix                             before topics and groups; default none
///     cloudflow.kafka.clusters.<name>                    bootstrap.servers, partitions, replicas,
///     topic {},
///                                                        connection-config {}, producer-config {},
///                                                        consumer-config {}; `default` is that of
///                                                        topics that name none
///     cloudflow.kafka.bootstrap-servers                  of the default cluster, as 2.3 has it
///     cloudflow.topics.<id>                              over what the blueprint says of it
///     cloudflow.streamlets.<s>.config-parameters.<key>   values; default: the parameter's
///     cloudflow.streamlets.<s>.volume-mounts.<mount>     directories
///     cloudflow.streamlets.<s>.config, over cloudflow.runtimes.<runtime>.config:
///       cloudflow.delivery = exactly-once | at-least-once | at-most-once; default on Kafka:
///       exactly-once for streamlets
///         with state, at-least-once for others; on the embedded log: exactly-once
///       cloudflow.idle-timeout = duration; default 1 minute: how long an inlet's partition without
///       records holds up
///         windows behind a repartition topic
///       cloudflow.inlets.<inlet>.on-bad-record = dead-letter | skip | fail; default dead-letter
///       cloudflow.states.<state>.on-bad-window = dead-letter | fail; default dead-letter
///
/// Problems: all in one go, with the texts of Cloudflow 2.3 where it knew them, each with the place
/// of the value; the values of secret parameters are in none of them. `configuration` may be null:
/// nothing is configured.
resolution resolve(const application& app, const config::value& configuration,
                   const resolve_options& options);

}  // namespace cloudflow::blueprint
