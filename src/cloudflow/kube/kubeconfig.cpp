#include "cloudflow/kube/internal/kubeconfig.hpp"
#include "cloudflow/base/base64.hpp"
#include "cloudflow/kube/internal/credentials.hpp"
#include "cloudflow/kube/object.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace cloudflow::kube {

namespace {

using internal::kubeconfig_entry, internal::merged_kubeconfig;

const system_clock clock_of_machine;

error wrong(const kubeconfig_entry& entry, std::string_view why) {
  return {errc::invalid_settings, fmt::format("{}: {}", entry.origin, why)};
}

/// Empty where there is none.
result<std::string> text_of(const kubeconfig_entry& entry, const char* name) {
  const auto found = entry.value.find(name);
  if (found == entry.value.end() || found->is_null()) return std::string{};
  if (found->is_string()) return found->get<std::string>();
  return wrong(entry, fmt::format("'{}' is no text", name));
}

/// `name-data`, or the file that `name` names.
result<std::optional<net::pem_source>> pem_of(const kubeconfig_entry& entry, const char* name) {
  const auto data = CLOUDFLOW_TRY(text_of(entry, fmt::format("{}-data", name).c_str()));
  const auto file = CLOUDFLOW_TRY(text_of(entry, name));
  if (!data.empty()) {
    auto bytes = from_base64(data);
    if (!bytes) return wrong(entry, fmt::format("'{}-data' is not base64", name));
    return std::optional<net::pem_source>{net::pem_text{*std::move(bytes)}};
  }
  if (file.empty()) return std::optional<net::pem_source>{};
  return std::optional<net::pem_source>{net::pem_file{entry.directory / file}};
}

result<void> read_cluster(const kubeconfig_entry& cluster, access& into) {
  into.server = CLOUDFLOW_TRY(text_of(cluster, "server"));
  while (into.server.ends_with('/')) into.server.pop_back();
  if (into.server.empty()) return wrong(cluster, "it has no 'server'");
  if (into.server.find("://") == std::string::npos) into.server.insert(0, "https://");
  into.tls.server_name = CLOUDFLOW_TRY(text_of(cluster, "tls-server-name"));
  into.tls.authority = CLOUDFLOW_TRY(pem_of(cluster, "certificate-authority"));
  const auto skip = cluster.value.value("insecure-skip-tls-verify", nlohmann::json(false));
  if (!skip.is_boolean()) return wrong(cluster, "'insecure-skip-tls-verify' is not true or false");
  into.tls.dangerously_accept_any_certificate = skip.get<bool>();
  if (skip.get<bool>() && into.tls.authority)
    return wrong(cluster, "it has both a 'certificate-authority' and 'insecure-skip-tls-verify'");
  const auto proxy = CLOUDFLOW_TRY(text_of(cluster, "proxy-url"));
  if (!proxy.empty()) into.proxy = net::proxy_at{proxy};
  return {};
}

/// What a plugin is told when it wants to know the cluster.
result<nlohmann::json> cluster_info(const kubeconfig_entry& cluster) {
  nlohmann::json told = nlohmann::json::object();
  for (const auto* name : {"server", "tls-server-name", "insecure-skip-tls-verify", "proxy-url"})
    if (cluster.value.contains(name)) told[name] = cluster.value[name];
  if (const auto authority = CLOUDFLOW_TRY(pem_of(cluster, "certificate-authority"))) {
    const auto* file = std::get_if<net::pem_file>(&*authority);
    if (file == nullptr) {
      told["certificate-authority-data"] = to_base64(std::get<net::pem_text>(*authority).text);
    } else {
      const auto text = internal::read_trimmed(file->path);
      if (!text) return wrong(cluster, text.error().message);
      told["certificate-authority-data"] = to_base64(*text);
    }
  }
  for (const auto& extension : cluster.value.value("extensions", nlohmann::json::array()))
    if (object{extension}.text("/name") == "client.authentication.k8s.io/exec")
      told["config"] = object{extension}.at("/extension");
  return told;
}

/// A program with a slash in its name is relative to the file.
std::string program_of(const kubeconfig_entry& entry, const std::string& name) {
  if (name.find('/') == std::string::npos) return name;
  return (entry.directory / name).string();
}

result<internal::exec_plugin> plugin_of(const kubeconfig_entry& exec,
                                        const kubeconfig_entry& cluster) {
  constexpr auto versions = std::to_array<std::string_view>(
      {"client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"});
  internal::exec_plugin plugin;
  plugin.api_version = CLOUDFLOW_TRY(text_of(exec, "apiVersion"));
  if (std::ranges::find(versions, plugin.api_version) == versions.end())
    return wrong(exec, fmt::format("the plugin's apiVersion is '{}'; expected {}",
                                   plugin.api_version, fmt::join(versions, " or ")));
  const auto program = CLOUDFLOW_TRY(text_of(exec, "command"));
  if (program.empty()) return wrong(exec, "the plugin has no 'command'");
  plugin.command.push_back(program_of(exec, program));
  for (const auto& argument : exec.value.value("args", nlohmann::json::array())) {
    if (!argument.is_string()) return wrong(exec, "one of 'args' is no text");
    plugin.command.push_back(argument.get<std::string>());
  }
  for (const auto& one : exec.value.value("env", nlohmann::json::array())) {
    const kubeconfig_entry variable{one, exec.directory, exec.origin};
    const auto name = CLOUDFLOW_TRY(text_of(variable, "name"));
    plugin.environment[name] = CLOUDFLOW_TRY(text_of(variable, "value"));
  }
  if (CLOUDFLOW_TRY(text_of(exec, "interactiveMode")) == "Always")
    return wrong(exec,
                 "the plugin wants to be used at a terminal (interactiveMode: Always), which "
                 "is not possible here");
  plugin.install_hint = CLOUDFLOW_TRY(text_of(exec, "installHint"));
  if (exec.value.value("provideClusterInfo", nlohmann::json(false)) == true)
    plugin.cluster = CLOUDFLOW_TRY(cluster_info(cluster));
  return plugin;
}

/// What would be left out, and with it a restriction or the whole point.
result<void> refuse_unknown(const kubeconfig_entry& user) {
  for (const auto* name : {"as", "as-uid", "as-groups", "as-user-extra", "auth-provider"})
    if (user.value.contains(name))
      return wrong(user, fmt::format("'{}' is not supported here", name));
  return {};
}

result<std::shared_ptr<credential_source>> credentials_of(const kubeconfig_entry& user,
                                                          const kubeconfig_entry& cluster,
                                                          const clock& time) {
  CLOUDFLOW_TRY(refuse_unknown(user));
  credential fixed;
  auto certificate = CLOUDFLOW_TRY(pem_of(user, "client-certificate"));
  auto key = CLOUDFLOW_TRY(pem_of(user, "client-key"));
  if (certificate.has_value() != key.has_value())
    return wrong(user, "'client-certificate' and 'client-key' go together");
  if (certificate) fixed.identity = {*std::move(certificate), *std::move(key)};
  const auto token = CLOUDFLOW_TRY(text_of(user, "token")),
             file = CLOUDFLOW_TRY(text_of(user, "tokenFile")),
             name = CLOUDFLOW_TRY(text_of(user, "username")),
             password = CLOUDFLOW_TRY(text_of(user, "password"));
  if (!name.empty() && !(token.empty() && file.empty()))
    return wrong(user, "it has both a token and a password");
  if (!name.empty()) fixed.authorization = net::basic_credentials{name, password};
  if (!token.empty()) fixed.authorization = net::bearer_token{token};
  if (const auto exec = user.value.find("exec"); exec != user.value.end()) {
    auto plugin = CLOUDFLOW_TRY(plugin_of({*exec, user.directory, user.origin}, cluster));
    return internal::credentials_of_plugin(std::move(plugin), std::move(fixed), time);
  }
  if (!file.empty()) return internal::token_in_file(user.directory / file, std::move(fixed));
  return internal::fixed_credentials(std::move(fixed));
}

}  // namespace

result<access> access_of_kubeconfig(const kubeconfig_options& options) {
  const auto all = CLOUDFLOW_TRY(internal::read_kubeconfigs(options));
  const auto name = options.context.empty() ? all.current_context : options.context;
  if (name.empty())
    return error{errc::invalid_settings,
                 fmt::format("{} has no current-context; say one of: {}", all.origin,
                             fmt::join(internal::names_of(all.contexts), ", "))};
  const auto context = CLOUDFLOW_TRY(internal::find(all, all.contexts, "context", name));
  const auto cluster_name = CLOUDFLOW_TRY(text_of(context, "cluster"));
  const auto cluster = CLOUDFLOW_TRY(internal::find(all, all.clusters, "cluster", cluster_name));
  access found;
  CLOUDFLOW_TRY(read_cluster(cluster, found));
  if (auto name_space = CLOUDFLOW_TRY(text_of(context, "namespace")); !name_space.empty())
    found.name_space = std::move(name_space);
  if (const auto user_name = CLOUDFLOW_TRY(text_of(context, "user")); !user_name.empty()) {
    const auto user = CLOUDFLOW_TRY(internal::find(all, all.users, "user", user_name));
    const auto& time = options.time == nullptr ? clock_of_machine : *options.time;
    found.credentials = CLOUDFLOW_TRY(credentials_of(user, cluster, time));
  }
  return found;
}

}  // namespace cloudflow::kube
