/// What the operator says about an application: the `status` of its resource.
#pragma once

#include "cloudflow/blueprint/custom_resource.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace cloudflow::controller {

/// One thing that is so or not, and why.
struct condition {
  std::string type;  ///< for example `TopicsReady`
  bool is_true = true;
  std::string reason = {};   ///< one word for programs: `KafkaUnreachable`
  std::string message = {};  ///< for people; with what to do where something is wrong
};

/// What the status is made of.
struct status_input {
  std::string app_id, app_version;
  std::int64_t generation = 0;                       ///< of the resource that was looked at
  std::string configuration = {};                    ///< its app::annotation_configuration
  std::vector<blueprint::deployment> deployments;    ///< empty where the resource cannot be read
  std::vector<nlohmann::json> pods;                  ///< of the application
  std::vector<nlohmann::json> workloads;             ///< its Deployments and StatefulSets
  std::vector<condition> conditions;                 ///< but for `Available`, which follows
  nlohmann::json before = nlohmann::json::object();  ///< the status that is there
  std::string now;                                   ///< RFC 3339, UTC
};

/// The members of 2.3 (`app_status`, `streamlet_statuses`, ...) and `conditions`, `ready`,
/// `observedGeneration`, `observedConfiguration`. A pure function: the same input gives the same
/// status, and a condition that stays keeps its time.
nlohmann::json status_of(const status_input& in);

/// The status of one pod, as 2.3 shows it: `Running`, `Pending`, `CrashLoopBackOff`,
/// `Terminating`, ...
std::string pod_status(const nlohmann::json& pod);

}  // namespace cloudflow::controller
