/// The sources of credentials that files name.
#pragma once

#include "cloudflow/kube/access.hpp"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace cloudflow::kube::internal {

/// Always the same.
std::shared_ptr<credential_source> fixed_credentials(credential always);

/// `others`, with a bearer token that is read from a file each time.
std::shared_ptr<credential_source> token_in_file(std::filesystem::path file, credential others);

/// A program that prints an ExecCredential (client.authentication.k8s.io).
struct exec_plugin {
  std::vector<std::string> command;
  std::map<std::string, std::string> environment;
  std::string api_version;
  std::string install_hint;
  nlohmann::json cluster;  ///< what it is told of the cluster; null: nothing
};

/// Runs the plugin when a credential is wanted and the last one is over, or was refused; callers
/// wait for each other then. `time` outlives it. The plugin wins over `others`.
std::shared_ptr<credential_source> credentials_of_plugin(exec_plugin plugin, credential others,
                                                         const clock& time);

/// The text of a file, without space at its ends. The error says which and why.
cloudflow::result<std::string> read_trimmed(const std::filesystem::path& file);

}  // namespace cloudflow::kube::internal
