#pragma once

#include "cloudflow/base/time.hpp"
#include "cloudflow/kube/error.hpp"
#include "cloudflow/net/request.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

namespace cloudflow::kube {

/// What a request shows of who sends it. Holds secrets.
struct credential {
  net::authorization authorization{};
  std::optional<net::client_identity> identity{};
};

/// Where credentials come from. Implementations are thread-safe.
class credential_source {
public:
  virtual ~credential_source() = default;
  /// The one that holds now; may block, until `stop`. `no_credentials` when there is none.
  virtual result<credential> current(const std::stop_token& stop) = 0;
  /// The server has refused what current() has given. Whether another one may be had at once.
  virtual bool renew() { return false; }
};

/// How a cluster is reached, and as whom. A value; copies share the source of credentials.
struct access {
  std::string server;  ///< `https://host:port`, perhaps with a path, without a slash at its end
  net::tls_settings tls{};
  net::proxy_choice proxy{};
  std::string name_space = "default";                ///< which one is meant where none is said
  std::shared_ptr<credential_source> credentials{};  ///< none: anonymous
};

/// The value of a variable of the environment.
using environment = std::function<std::optional<std::string>(const char* name)>;
std::optional<std::string> process_environment(const char* name);

/// Of the pod that this process runs in: KUBERNETES_SERVICE_HOST and _PORT, and the files of its
/// service account. The token is read for each request, since it is replaced about once an hour.
/// `invalid_settings` says what is missing.
result<access> access_of_pod(
    const environment& variable = process_environment,
    const std::filesystem::path& files = "/var/run/secrets/kubernetes.io/serviceaccount");

struct kubeconfig_options {
  /// --kubeconfig: this file and no other.
  std::optional<std::filesystem::path> file{};
  /// --context; empty: the one that the files say.
  std::string context{};
  environment variable = process_environment;
  /// Lives as long as the access: when a plugin's credentials end.
  const clock* time = nullptr;
};

/// Of a person: the files of $KUBECONFIG, else ~/.kube/config. Several are merged as kubectl does:
/// of an entry, and of the current context, the first file counts. Relative paths are relative to
/// their file. Certificates, keys and token files are read for each request.
///
/// `invalid_settings` names the file and what is wrong, also for what would be dangerous to leave
/// out (`as`, `auth-provider`). Plugins (`exec`) are run when the first credential is asked for.
result<access> access_of_kubeconfig(const kubeconfig_options& options);

/// The one of a person if there is one (or one is named), else that of the pod.
result<access> find_access(const kubeconfig_options& options);

}  // namespace cloudflow::kube
