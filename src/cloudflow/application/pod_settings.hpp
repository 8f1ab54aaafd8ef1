/// What the configuration says of a streamlet's pods: the sections `kubernetes` of 2.3.
#pragma once

#include "cloudflow/base/result.hpp"
#include "cloudflow/config/value.hpp"

#include <nlohmann/json.hpp>

#include <string>

namespace cloudflow::app {

/// Parts of a pod, in the words of Kubernetes. Lists are empty where nothing is said.
struct pod_settings {
  nlohmann::json labels = nlohmann::json::object(), annotations = nlohmann::json::object();
  nlohmann::json volumes = nlohmann::json::array();
  // Of its container:
  nlohmann::json env = nlohmann::json::array(), ports = nlohmann::json::array();
  nlohmann::json resources = nlohmann::json::object();
  nlohmann::json mounts = nlohmann::json::array();
};

/// Reads, of the configuration of an application,
///
///     cloudflow.streamlets.<streamlet>.kubernetes.pods, over
///     cloudflow.runtimes.<runtime>.kubernetes.pods:
///       pod { labels {}, annotations {}
///             volumes { <name> { secret { name } | pvc { name, read-only } | config-map { name,
///             optional, items {} } } } containers.container { env [{ name, value }], ports [{
///             container-port, ... }]
///                                    resources { requests {}, limits {} }
///                                    volume-mounts { <name> { mount-path, read-only, subPath } } }
///                                    }
///
/// Objects merge, lists are replaced. Errors: the first key that is unknown, missing or of another
/// type, by its path; a mount without a volume.
result<pod_settings> pod_settings_of(const config::value& configuration, const std::string& runtime,
                                     const std::string& streamlet);

}  // namespace cloudflow::app
