/// How the objects of an application are called and labelled on a cluster; names and labels of
/// Cloudflow 2.3 where it had them. Pure functions.
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

namespace cloudflow::app {

/// A resource of an application: two namespaces may have the same application.
struct app_key {
  std::string name_space, name;

  auto operator<=>(const app_key&) const = default;
};
std::string to_string(const app_key& key);  ///< `namespace/name`

inline constexpr const char* managed_by = "cloudflow";
/// Whose fields of an object are whose, in server-side apply.
inline constexpr const char* field_manager = "cloudflow-operator";

inline constexpr const char* label_name = "app.kubernetes.io/name";
inline constexpr const char* label_part_of = "app.kubernetes.io/part-of";
inline constexpr const char* label_managed_by = "app.kubernetes.io/managed-by";
inline constexpr const char* label_version = "app.kubernetes.io/version";
inline constexpr const char* label_component = "app.kubernetes.io/component";
inline constexpr const char* label_app_id = "com.lightbend.cloudflow/app-id";
inline constexpr const char* label_streamlet = "com.lightbend.cloudflow/streamlet-name";
inline constexpr const char* label_config_format = "com.lightbend.cloudflow/config-format";
inline constexpr const char* label_kafka_cluster = "cloudflow.lightbend.com/kafka-cluster-name";
/// Of a pod template: a hash of the files in its streamlet's Secret. Another one rolls the pods. Of
/// a resource: a hash of the configuration that belongs to it, in the Secret that a client has
/// written; as long as another one is there, the operator waits for the rest.
inline constexpr const char* annotation_configuration = "cloudflow.lightbend.com/configuration";

/// The `ownerReferences` of what goes with an application's resource.
nlohmann::json owned_by(std::string_view app, std::string_view uid);

/// Where a client keeps the configuration of an application: the Secret, and its key.
std::string configuration_secret_of(std::string_view app);
inline constexpr const char* configuration_key = "secret.conf";
inline constexpr const char* pull_secret = "cloudflow-image-pull-secret";

/// `<app>-<streamlet>`, of a native streamlet's workload, Secret and pods. Longer than a
/// StatefulSet's name may be (52 characters, so that what Kubernetes adds fits into a label), it is
/// cut, and ends with a hash of the whole: 32 bits of it keep two names apart.
std::string workload_name(std::string_view app, std::string_view streamlet);
std::string service_name(std::string_view workload);            ///< of a streamlet's server
std::string governing_service_name(std::string_view workload);  ///< of a StatefulSet's pods
std::string account_name(std::string_view app);

/// The first 63 characters, as a label's value may have.
std::string label_value(std::string_view text);

/// FNV-1a of a text as 16 hexadecimal digits. For what is compared with itself, not for what
/// somebody may want to forge.
std::string short_hash(std::string_view text);

}  // namespace cloudflow::app
