/// Runs a pipeline on a simulated log and compares what came out with the model.
#pragma once

#include "data.hpp"

#include <string>
#include <vector>

namespace cloudflow::pipelines {

/// What differs from the model, as lines; empty: nothing.
std::vector<std::string> run(const pipeline& p, const scenario& s);

}  // namespace cloudflow::pipelines
