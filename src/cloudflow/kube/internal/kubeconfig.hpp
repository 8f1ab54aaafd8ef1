/// The files of kubectl, merged.
#pragma once

#include "cloudflow/kube/access.hpp"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace cloudflow::kube::internal {

/// A cluster, user or context.
struct kubeconfig_entry {
  nlohmann::json value;             ///< an object
  std::filesystem::path directory;  ///< of its file, to which its paths are relative
  std::string origin;               ///< for messages: which entry of which file
};
using kubeconfig_entries = std::map<std::string, kubeconfig_entry>;

/// Of several files the first counts: of an entry, and of the current context.
struct merged_kubeconfig {
  kubeconfig_entries clusters, users, contexts;
  std::string current_context;
  std::string origin;  ///< for messages: the files
};

/// The files that options name and that are there; one that is named by `file` has to be there.
std::vector<std::filesystem::path> kubeconfig_files(const kubeconfig_options& options);

result<merged_kubeconfig> read_kubeconfigs(const kubeconfig_options& options);

std::vector<std::string> names_of(const kubeconfig_entries& entries);

/// The error names those that there are.
result<kubeconfig_entry> find(const merged_kubeconfig& all, const kubeconfig_entries& entries,
                              std::string_view what, const std::string& name);

}  // namespace cloudflow::kube::internal
