/// What `deploy` and `configure` write: an application's resource and its configuration.
#pragma once

#include "cloudflow/application/configure.hpp"
#include "cloudflow/base/result.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace cloudflow::cli {

/// Of what clients write.
nlohmann::json client_labels(const std::string& app);

/// What the user has said.
struct release_options {
  std::string resource;    ///< text of the file, JSON
  std::string name_space;  ///< empty: the application's id
  app::configuration_arguments configuration = {};
  std::map<std::string, std::int32_t> scale = {};  ///< by streamlet
  std::map<std::string, std::string> claims = {};  ///< `streamlet.mount` -> persistent volume claim
  std::string service_account = {};                ///< empty: the application's own
  std::string cli_version = {};
};

/// What is in the cluster.
struct cluster_view {
  std::optional<nlohmann::json> deployed = {};  ///< the resource, where there is one
  std::map<std::string, std::string> kafka_clusters = {};
  std::set<std::string> claims = {};  ///< names, in the namespace
};

struct release {
  nlohmann::json resource;    ///< to be applied
  std::string configuration;  ///< of its Secret: JSON on one line
  std::string warnings;       ///< a line each
};

/// Checks everything that can be checked before anything is written: the whole plan is made. Reads
/// the configuration's files. Errors: with the texts of 2.3 where it knew them; none shows a
/// secret.
result<release> release_of(const release_options& what, const cluster_view& cluster);

/// The same for what is deployed, with another configuration. `resource` is that in the cluster.
result<release> reconfigured(const nlohmann::json& resource,
                             const app::configuration_arguments& configuration,
                             const std::map<std::string, std::string>& kafka_clusters);

/// The resource with other numbers of replicas. Errors: a streamlet that it does not have.
result<nlohmann::json> scaled(nlohmann::json resource,
                              const std::map<std::string, std::int32_t>& scale);

}  // namespace cloudflow::cli
