/// What a pod of a streamlet is given, as files: written by the operator into a Secret, read where
/// it is mounted.
#pragma once

#include "cloudflow/base/result.hpp"
#include "cloudflow/blueprint/plan.hpp"

#include <filesystem>
#include <map>
#include <string>

namespace cloudflow::app {

/// Names of the files.
inline constexpr const char* plan_file = "plan.json";
inline constexpr const char* secrets_file = "secrets.json";

/// The part of a plan that one pod runs.
struct pod_configuration {
  blueprint::plan plan;             ///< with one streamlet
  blueprint::secret_texts secrets;  ///< those that it refers to
};

/// The part of `whole` that is about one streamlet, with its secrets and no others; without the
/// number of replicas and the application's version. @pre there is such a streamlet.
pod_configuration pod_configuration_of(const blueprint::plan& whole,
                                       const blueprint::secret_texts& secrets,
                                       const std::string& streamlet);

/// By name of file.
std::map<std::string, std::string> to_files(const pod_configuration& pod);

/// Errors, with the file: it is not there or cannot be read; those of plan_from_json; secrets that
/// are no JSON object of texts; not exactly one streamlet; a secret that the plan refers to is
/// missing. None shows a secret.
result<pod_configuration> read_pod_configuration(const std::filesystem::path& directory);

}  // namespace cloudflow::app
