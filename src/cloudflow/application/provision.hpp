/// What an application needs of its log before it can run: its topics, their schemas.
#pragma once

#include "cloudflow/application/topic_facts.hpp"
#include "cloudflow/base/result.hpp"
#include "cloudflow/blueprint/plan.hpp"
#include "cloudflow/pubsub/backend.hpp"

namespace cloudflow::app {

enum class provision_mode {
  make,          ///< what is missing is made: the sandbox, the operator
  compare_only,  ///< nothing is changed: a pod, whose operator has provisioned
};

/// Makes the topics of a plan that it manages, stores the schemas of all its ports and of what its
/// topics were written with, and notes base schemas where they are configured; or compares what is
/// there with that. Can be run again at any time. Blocks while the log does.
///
/// Errors: a topic that others manage, or that is only compared, is not there; one has other
/// partitions than the plan says; a schema is not stored; what the log says. The error names the
/// topic.
result<topic_facts> provision(const blueprint::plan& plan, pubsub::backend& log,
                              provision_mode mode = provision_mode::make);

}  // namespace cloudflow::app
