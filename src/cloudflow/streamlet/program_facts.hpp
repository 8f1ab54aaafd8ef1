/// What a program computes from the values of its parameters, and no plan can know: windows and
/// stores. It is compared with what the log holds when a streamlet starts.
#pragma once

#include "cloudflow/base/result.hpp"
#include "cloudflow/blueprint/plan.hpp"
#include "cloudflow/flow/boundary.hpp"
#include "cloudflow/streamlet/context.hpp"
#include "cloudflow/streamlet/definition.hpp"

#include <functional>
#include <string>
#include <vector>

namespace cloudflow {

/// The definition of a class; null if this program does not have it.
using find_definition = std::function<const streamlet_definition*(const std::string& class_name)>;

struct program_facts {
  std::vector<flow::store_needs> streamlets = {};  ///< one for each of `plan::streamlets`
};

/// The parameters and mounts that a streamlet of a plan is given.
streamlet_config config_of(const blueprint::streamlet_plan& streamlet,
                           const blueprint::secret_texts& secrets);

/// Builds the logic of every streamlet once and drops it. Errors: a class that the program does not
/// have; a value that a streamlet does not take, which only its own code can tell; several replicas
/// of a streamlet that can_be_divided() says can have one only.
result<program_facts> facts_of_program(const blueprint::plan& plan,
                                       const blueprint::secret_texts& secrets,
                                       const find_definition& definition_of);

/// Whether several processes may run the streamlet: state is divided by the partitions of inlets,
/// and without inlets there are none. Errors: a sentence that says so.
result<void> can_be_divided(const blueprint::streamlet_plan& streamlet,
                            const flow::store_needs& needs);

}  // namespace cloudflow
