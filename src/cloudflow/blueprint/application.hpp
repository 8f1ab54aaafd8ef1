/// A verified blueprint with a name and a version: the application, and what Kubernetes is given of
/// it.
#pragma once

#include "cloudflow/blueprint/verify.hpp"

#include <map>
#include <string>

namespace cloudflow::blueprint {

/// The version of application descriptors that we write; 2.3's.
inline constexpr std::string_view descriptor_version = "6";
/// Where a streamlet with the attribute `server` listens in its pod.
inline constexpr int server_port = 3000;

struct application {
  std::string id;  ///< a DNS label; see `make_application`
  std::string version;
  verified_blueprint blueprint;
};

/// `name` becomes the id by `to_dns_label`.
application make_application(std::string_view name, std::string version,
                             verified_blueprint blueprint);

/// What the custom resource says besides the application.
struct packaging {
  std::string library_version;                  ///< of Cloudflow
  std::string cli_version;                      ///< of the program that writes it
  std::string image;                            ///< of streamlets that `images` does not name
  std::map<std::string, std::string> images{};  ///< by streamlet
  std::map<std::string, std::string> agent_paths{};
};

/// The application descriptor, the `spec` of the custom resource, as compact JSON. Schema texts are
/// left empty, as in 2.3; fields without content are left out.
std::string to_spec_json(const application& app, const packaging& how);

/// The custom resource of kind `CloudflowApplication` as compact JSON.
std::string to_custom_resource_json(const application& app, const packaging& how);

}  // namespace cloudflow::blueprint
