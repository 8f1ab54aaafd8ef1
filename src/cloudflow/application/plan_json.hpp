/// A plan as JSON that reads back equal: for a pod, for whoever compares two versions, for eyes.
#pragma once

#include "cloudflow/base/result.hpp"
#include "cloudflow/blueprint/plan.hpp"

#include <string>
#include <string_view>

namespace cloudflow::app {

/// Indented by two spaces. Topics are referred to by id, schemas by a name of their own, secrets by
/// their path in the configuration. What is empty is left out.
std::string to_json(const blueprint::plan& plan);

/// Errors: no JSON; a member that is missing, unknown or of another type, with its path; a plan
/// whose format is another one than this program's; a reference to nothing.
result<blueprint::plan> plan_from_json(std::string_view text);

}  // namespace cloudflow::app
