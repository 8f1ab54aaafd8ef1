/// Files and configuration become a plan: the one way to one, for whoever runs, draws, deploys or
/// operates an application.
#pragma once

#include "cloudflow/base/result.hpp"
#include "cloudflow/blueprint/plan.hpp"
#include "cloudflow/blueprint/verify.hpp"
#include "cloudflow/pubsub/cluster_options.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cloudflow {

/// What the build knows about an application; cloudflow_application() generates it into the
/// program.
struct application_info {
  std::string_view name, version;
  std::string_view blueprint_file;  ///< as errors name it
  std::string_view blueprint_text;
  pubsub::open_cluster open_kafka = nullptr;  ///< null: it is built without
  std::string_view cloudflow_version = {};
};

}  // namespace cloudflow

namespace cloudflow::app {

/// What the user has configured.
struct configuration_arguments {
  std::vector<std::string> files;  ///< `--conf`
  /// `path=value`, `streamlet.parameter=value` or `parameter=value`
  std::vector<std::string> assignments;
  std::string kafka = {};  ///< servers of the default cluster, over the files; empty: as they say
};

struct configure_options {
  /// Where mounts without a configured directory are; see blueprint::resolve_options.
  std::string mount_root = {};
  /// False for a plan that is only looked at: required parameters may be missing.
  bool needs_parameters = true;
};

struct configured_plan {
  blueprint::plan plan;
  blueprint::secret_texts secrets;  ///< what the plan refers to
  std::string warnings;             ///< as a compiler prints them; empty: none
};

/// Verifies the blueprint, puts the configuration over it and resolves both. The environment of the
/// process is what `${?NAME}` in the files refers to. Errors: the problems of blueprint, files and
/// arguments, as a compiler prints them; they show no secret.
result<configured_plan> configure(const application_info& application,
                                  std::span<const blueprint::streamlet_descriptor> descriptors,
                                  const configuration_arguments& arguments,
                                  const configure_options& options);

}  // namespace cloudflow::app
