/// What an application's resource means, with all that it depends on in the cluster: the plan.
#pragma once

#include "cloudflow/application/pod_settings.hpp"
#include "cloudflow/base/result.hpp"
#include "cloudflow/blueprint/custom_resource.hpp"
#include "cloudflow/blueprint/plan.hpp"
#include "cloudflow/config/value.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace cloudflow::app {

/// What the operator reads of the cluster to know what an application is to be.
struct application_input {
  std::string resource;  ///< the custom resource, as JSON
  /// The Secret that a client has written, HOCON; it stands for `spec.configuration`, which then
  /// does not count.
  std::optional<std::string> configuration = {};
  /// Kafka clusters that are set up for all applications: HOCON, by name.
  std::map<std::string, std::string> kafka_clusters = {};
};

struct interpretation {
  blueprint::custom_resource resource;
  config::value configuration;  ///< of the application, without clusters
  blueprint::plan plan;
  blueprint::secret_texts secrets;
  std::vector<pod_settings> pods;  ///< one for each of `plan.streamlets`
  std::string warnings;            ///< a line each; empty: none
};

/// `own`: the configuration of the application; `how`: what its substitutions may refer to. A pure
/// function. Errors: whatever keeps the plan from being made, with its place in `own`; they show no
/// secret.
result<interpretation> interpret(const std::string& resource, const config::document& own,
                                 const std::map<std::string, std::string>& kafka_clusters,
                                 const config::document::resolve_options& how);

/// As the operator does. A pure function. Environment variables and files are for clients to put
/// in: what refers to one here is an error, as whatever else keeps the plan from being made; the
/// error shows no secret.
result<interpretation> interpret(const application_input& in);

}  // namespace cloudflow::app
