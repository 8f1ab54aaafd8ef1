#include "cloudflow/kube/internal/kubeconfig.hpp"

#include "cloudflow/kube/internal/credentials.hpp"
#include "cloudflow/kube/internal/yaml.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

namespace cloudflow::kube::internal {

namespace {

namespace fs = std::filesystem;

error wrong(const fs::path& file, std::string_view why) {
  return {errc::invalid_settings, fmt::format("kubeconfig '{}': {}", file.string(), why)};
}

/// `users: [{name: x, user: {...}}]`.
result<void> merge(const fs::path& file, const nlohmann::json& document, const std::string& plural,
                   kubeconfig_entries& into) {
  const auto list = document.find(plural);
  if (list == document.end() || list->is_null()) return {};
  const auto singular = plural.substr(0, plural.size() - 1);
  if (!list->is_array()) return wrong(file, fmt::format("'{}' is no list", plural));
  for (const auto& one : *list) {
    if (!one.is_object() || !one.contains("name") || !one["name"].is_string())
      return wrong(file, fmt::format("an entry of '{}' has no name", plural));
    const auto name = one["name"].get<std::string>();
    const auto value = one.value(singular, nlohmann::json::object());
    if (!value.is_object() && !value.is_null())
      return wrong(file, fmt::format("the {} '{}' is no map", singular, name));
    into.try_emplace(name, kubeconfig_entry{value.is_null() ? nlohmann::json::object() : value,
                                            fs::absolute(file).parent_path(),
                                            fmt::format("kubeconfig '{}', {} '{}'", file.string(),
                                                        singular, name)});
  }
  return {};
}

result<void> merge_file(const fs::path& file, merged_kubeconfig& into) {
  const auto text = read_trimmed(file);
  if (!text) return error{errc::invalid_settings, "kubeconfig " + text.error().message};
  const auto document = read_yaml(*text);
  if (!document) return wrong(file, document.error().message);
  if (!document->is_object()) return wrong(file, "it is no map of settings");
  CLOUDFLOW_TRY(merge(file, *document, "clusters", into.clusters));
  CLOUDFLOW_TRY(merge(file, *document, "users", into.users));
  CLOUDFLOW_TRY(merge(file, *document, "contexts", into.contexts));
  const auto current = document->find("current-context");
  if (into.current_context.empty() && current != document->end() && current->is_string())
    into.current_context = current->get<std::string>();
  into.origin += fmt::format("{}'{}'", into.origin.empty() ? "kubeconfig " : ", ", file.string());
  return {};
}

}  // namespace

std::vector<fs::path> kubeconfig_files(const kubeconfig_options& options) {
  if (options.file) return {*options.file};
  std::vector<fs::path> files;
  const auto add = [&](const fs::path& file) {
    std::error_code ignored;
    if (!file.empty() && fs::exists(file, ignored)) files.push_back(file);
  };
  const auto named = options.variable("KUBECONFIG").value_or("");
  if (named.empty()) {
    if (const auto home = options.variable("HOME")) add(fs::path{*home} / ".kube/config");
    return files;
  }
  std::string_view left = named;
  while (!left.empty()) {
    const auto end = std::min(left.find(':'), left.size());
    add(fs::path{left.substr(0, end)});
    left.remove_prefix(std::min(end + 1, left.size()));
  }
  return files;
}

result<merged_kubeconfig> read_kubeconfigs(const kubeconfig_options& options) {
  merged_kubeconfig all;
  const auto files = kubeconfig_files(options);
  if (files.empty())
    return error{
        errc::invalid_settings,
        "there is no kubeconfig: neither a file of $KUBECONFIG nor ~/.kube/config is there"};
  for (const auto& file : files) CLOUDFLOW_TRY(merge_file(file, all));
  return all;
}

std::vector<std::string> names_of(const kubeconfig_entries& entries) {
  std::vector<std::string> names;
  for (const auto& [name, entry] : entries) names.push_back(name);
  return names;
}

result<kubeconfig_entry> find(const merged_kubeconfig& all, const kubeconfig_entries& entries,
                              std::string_view what, const std::string& name) {
  if (const auto found = entries.find(name); found != entries.end()) return found->second;
  return error{errc::invalid_settings, fmt::format("{} has no {} '{}'; there are: {}", all.origin,
                                                   what, name, fmt::join(names_of(entries), ", "))};
}

}  // namespace cloudflow::kube::internal
