#pragma once

#include "cloudflow/base/result.hpp"
#include "cloudflow/blueprint/plan.hpp"

#include <string_view>

namespace cloudflow::operate {

/// The plan of a streamlet that runs beside itself: of the same class with the same parameters,
/// under another name. It reads the topics of the original; its groups, state and dead letters have
/// its own name, its outlets write to
/// `<topic>.<name>`, made like the original's.
///
/// Errors: a name that is none or is taken; a streamlet without inlets; a topic whose name becomes
/// too long.
result<blueprint::plan> shadow_of(const blueprint::plan& plan,
                                  const blueprint::streamlet_plan& original, std::string_view name);

}  // namespace cloudflow::operate
