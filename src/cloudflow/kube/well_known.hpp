/// Kinds that every cluster has, and what is in them.
#pragma once

#include "cloudflow/base/base64.hpp"
#include "cloudflow/kube/object.hpp"
#include "cloudflow/kube/resource.hpp"

#include <string>

namespace cloudflow::kube {

inline const resource namespaces{"", "v1", "namespaces", false};
inline const resource secrets{"", "v1", "secrets"};
inline const resource pods{"", "v1", "pods"};
inline const resource services{"", "v1", "services"};
inline const resource service_accounts{"", "v1", "serviceaccounts"};
inline const resource volume_claims{"", "v1", "persistentvolumeclaims"};
inline const resource deployments{"apps", "v1", "deployments"};
inline const resource stateful_sets{"apps", "v1", "statefulsets"};

/// The value of a key in a Secret; empty: it has none, or nothing that can be read.
inline std::string secret_text(const object& secret, const std::string& key) {
  const auto& data = secret.at("/data");
  if (!data.is_object() || !data.contains(key) || !data[key].is_string()) return {};
  return from_base64(data[key].get<std::string>()).value_or("");
}

}  // namespace cloudflow::kube
