#pragma once

#include "cloudflow/application/task_status.hpp"
#include "cloudflow/base/result.hpp"

#include <filesystem>
#include <vector>

namespace cloudflow::sandbox {

/// What the tasks of a running application have done: of all its processes that have their socket
/// below `state`, one status for each streamlet and partition. Errors: none runs there.
result<std::vector<app::task_status>> running_tasks(const std::filesystem::path& state);

}  // namespace cloudflow::sandbox
