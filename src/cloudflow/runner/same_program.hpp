/// Whether a plan is about the program that is given it.
#pragma once

#include "cloudflow/base/result.hpp"
#include "cloudflow/blueprint/plan.hpp"

namespace cloudflow::runner {

/// Compares a streamlet of a plan with what this program's class of it says about itself: ports
/// with their schemas and keys, states, parameters, mounts, server. Errors: all differences, in one
/// sentence each, and what to do.
result<void> expect_same_program(const blueprint::streamlet_plan& planned,
                                 const blueprint::streamlet_descriptor& own);

}  // namespace cloudflow::runner
