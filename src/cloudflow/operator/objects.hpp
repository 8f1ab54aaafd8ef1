/// The objects that an application is to have in the cluster. Pure functions of the interpretation.
#pragma once

#include "cloudflow/application/interpretation.hpp"
#include "cloudflow/application/kubernetes_names.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace cloudflow::controller {

/// What a container asks for where the configuration says nothing; Kubernetes quantities.
struct default_resources {
  std::string requests_cpu = "0.1", requests_memory = "128M";
  std::string limits_cpu = {}, limits_memory = {};  ///< empty: none
};

/// What of the surroundings an application's objects depend on.
struct object_context {
  app::app_key key;
  std::string uid;               ///< of the resource, which owns them
  bool has_pull_secret = false;  ///< in the namespace
  default_resources resources = {};
};

using object = nlohmann::json;

/// Complete objects, to be applied in this order, whatever is there. Streamlets of other runtimes
/// than `native` have none.
std::vector<object> objects_of(const app::interpretation& app, const object_context& around);

}  // namespace cloudflow::controller
