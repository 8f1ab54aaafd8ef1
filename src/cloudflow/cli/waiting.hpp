#pragma once

#include "cloudflow/base/result.hpp"
#include "cloudflow/cli/session.hpp"

#include <chrono>
#include <string>

namespace cloudflow::cli {

/// Blocks until the operator has seen the newest version of the resource and every pod of it is
/// ready. On a terminal it says meanwhile what it waits for. Errors: that it has not become so
/// within `longest`, with the last message of the operator.
result<void> wait_until_running(session& s, const std::string& name_space, const std::string& name,
                                std::chrono::seconds longest);

}  // namespace cloudflow::cli
