#include "cloudflow/kube/access.hpp"

#include "cloudflow/kube/internal/credentials.hpp"
#include "cloudflow/kube/internal/kubeconfig.hpp"

#include <fmt/format.h>

#include <cstdlib>

namespace cloudflow::kube {

std::optional<std::string> process_environment(const char* name) {
  const auto* value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>{value};
}

result<access> access_of_pod(const environment& variable, const std::filesystem::path& files) {
  const auto host = variable("KUBERNETES_SERVICE_HOST").value_or("");
  const auto port = variable("KUBERNETES_SERVICE_PORT").value_or("");
  if (host.empty() || port.empty())
    return error{errc::invalid_settings,
                 "this is no pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set"};
  const auto name_space = internal::read_trimmed(files / "namespace");
  for (const auto* needed : {"token", "ca.crt"})
    if (const auto text = internal::read_trimmed(files / needed); !text)
      return error{errc::invalid_settings,
                   fmt::format("the pod has no service account to use: {}; does it set "
                               "automountServiceAccountToken: false?",
                               text.error().message)};
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return access{.server = fmt::format("https://{}{}{}:{}", is_ipv6 ? "[" : "", host,
                                      is_ipv6 ? "]" : "", port),
                .tls = {.authority = net::pem_file{files / "ca.crt"}},
                .name_space = name_space ? *name_space : "default",
                .credentials = internal::token_in_file(files / "token", {})};
}

result<access> find_access(const kubeconfig_options& options) {
  const bool is_pod = options.variable("KUBERNETES_SERVICE_HOST").has_value();
  const bool is_named = !options.context.empty();
  if (is_pod && !is_named && internal::kubeconfig_files(options).empty())
    return access_of_pod(options.variable);
  return access_of_kubeconfig(options);
}

}  // namespace cloudflow::kube
