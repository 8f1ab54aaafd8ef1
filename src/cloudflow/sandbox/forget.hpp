#pragma once

#include "cloudflow/base/result.hpp"
#include "cloudflow/sandbox/run.hpp"

#include <filesystem>
#include <vector>

namespace cloudflow::sandbox {

/// Removes what runs have left in the state directory: log, local copies of state, mounts, socket
/// and crash note; of the log and the copies only files that are theirs. Returns what lies among
/// them and stays.
///
/// @pre the caller has the run lock. Errors: something is in use, or cannot be removed; what was
/// removed before is gone.
result<std::vector<std::filesystem::path>> forget(const state_layout& state);

}  // namespace cloudflow::sandbox
