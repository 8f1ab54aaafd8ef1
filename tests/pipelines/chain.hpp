/// Longer pipelines, put together while the program runs: each operator is compiled once, in front
/// of a next one that is not known by its type.
#pragma once

#include "pipeline.hpp"

#include <cstdint>

namespace cloudflow::pipelines {

/// Three to eight operators and an end. Names the seed.
pipeline draw_chain(std::uint64_t seed);

}  // namespace cloudflow::pipelines
