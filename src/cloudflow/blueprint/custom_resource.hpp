/// The custom resource of an application, as Kubernetes keeps it: format of Cloudflow 2.3, and
/// fields that its readers ignore.
#pragma once

#include "cloudflow/base/result.hpp"
#include "cloudflow/blueprint/application.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cloudflow::blueprint {

inline constexpr std::string_view custom_resource_version = "cloudflow.lightbend.com/v1alpha1";
inline constexpr std::string_view custom_resource_kind = "CloudflowApplication";
/// The version of application descriptors that we write and read; 2.3's.
inline constexpr std::string_view descriptor_version = "6";
/// Where a streamlet with the attribute `server` listens in its pod.
inline constexpr int server_port = 3000;

// -- writing --------------------------------------------------------------------------------------

/// What the custom resource says besides the application.
struct packaging {
  std::string library_version;                  ///< of Cloudflow
  std::string cli_version;                      ///< of the program that writes it
  std::string image;                            ///< of streamlets that `images` does not name
  std::map<std::string, std::string> images{};  ///< by streamlet
  std::map<std::string, std::string> agent_paths{};
};

/// The application descriptor, the `spec` of the custom resource, as compact JSON. Schema texts are
/// left empty, as in 2.3, but for native streamlets; fields without content are left out.
std::string to_spec_json(const application& app, const packaging& how);

/// The custom resource of kind `CloudflowApplication` as compact JSON.
std::string to_custom_resource_json(const application& app, const packaging& how);

// -- reading --------------------------------------------------------------------------------------

/// An entry of `spec.deployments`: how one streamlet is deployed.
struct deployment {
  std::string streamlet;
  std::string runtime = {};
  std::string image = {};
  std::string secret_name = {};                 ///< as 2.3 names the streamlet's Secret
  std::optional<std::int32_t> replicas = {};    ///< none: as the runtime has it
  std::optional<int> container_port = {};       ///< of its server
  std::map<std::string, std::string> claims{};  ///< mount -> persistent volume claim

  bool operator==(const deployment&) const = default;
};

/// What a custom resource says.
struct custom_resource {
  application app;  ///< its id is that of the resource's `spec`
  std::string library_version;
  std::string service_account;          ///< empty: the application's own
  std::string configuration;            ///< `spec.configuration`: HOCON; empty: none
  std::vector<deployment> deployments;  ///< in the order of `app.blueprint.streamlets`
};

/// Reads a resource, ours or one of 2.3. Unknown members are ignored. Topics come in the order in
/// which the deployments name them. Errors, with the path of the member: no JSON; one that is
/// missing or of another type; a deployment without streamlet, or the other way round; a version of
/// the descriptor that is not ours.
result<custom_resource> custom_resource_from_json(std::string_view text);

}  // namespace cloudflow::blueprint
