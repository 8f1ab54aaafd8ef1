#pragma once

#include "cloudflow/blueprint/plan.hpp"

#include <string>

namespace cloudflow::app {

/// A plan for people: every streamlet with its ports, groups, states and values, every topic. Of
/// secrets it shows where they stand.
std::string to_text(const blueprint::plan& plan);

}  // namespace cloudflow::app
