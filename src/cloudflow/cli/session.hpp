/// What commands do in a cluster.
#pragma once

#include "cloudflow/base/result.hpp"
#include "cloudflow/cli/release.hpp"
#include "cloudflow/kube/client.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <vector>

namespace cloudflow::cli {

/// One command's work in a cluster. Confined to one thread. Errors have the texts of 2.3 where it
/// knew them.
class session {
public:
  /// `operator_namespace`: where the operator is looked for; empty: in all.
  session(kube::client& api, std::string operator_namespace)
    : api_(&api), operator_namespace_(std::move(operator_namespace)) {}

  /// There is one operator, and it understands this program.
  result<void> expect_operator();

  result<std::vector<nlohmann::json>> applications(const std::string& name_space);
  result<nlohmann::json> application(const std::string& name_space, const std::string& name);
  result<std::optional<nlohmann::json>> find_application(const std::string& name_space,
                                                         const std::string& name);
  /// HOCON, by name.
  result<std::map<std::string, std::string>> kafka_clusters();
  result<std::set<std::string>> claims(const std::string& name_space);
  /// What a client has written last; none: nothing.
  result<std::optional<nlohmann::json>> configuration(const std::string& name_space,
                                                      const std::string& name);

  /// The namespace, the configuration, then the resource that belongs to it: whatever is cut off
  /// between two of them, the operator acts on none or on all.
  result<void> write(const release& what);
  result<void> write_resource(const nlohmann::json& resource);
  result<void> remove(const std::string& name_space, const std::string& name);
  /// Adds the credentials of a registry to those in the namespace.
  result<void> add_registry(const std::string& name_space, const std::string& registry,
                            const std::string& user, const std::string& password);
  result<void> ensure_namespace(const std::string& name_space);

private:
  result<void> apply(const kube::resource& of, const nlohmann::json& object);

  kube::client* api_;
  std::string operator_namespace_;
};

}  // namespace cloudflow::cli
