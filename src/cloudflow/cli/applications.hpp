/// Applications on a cluster as commands show them.
#pragma once

#include "cloudflow/cli/output.hpp"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace cloudflow::cli {

/// `list`: a line for each resource.
std::string show_list(const std::vector<nlohmann::json>& resources, output_format how);

/// `status`: one resource with its streamlets and pods.
std::string show_status(const nlohmann::json& resource, output_format how);

/// `configuration`: a row for each leaf of the configuration.
std::string show_configuration(const nlohmann::json& configuration, output_format how);

/// `version`.
std::string show_version(const std::string& version, output_format how);

}  // namespace cloudflow::cli
