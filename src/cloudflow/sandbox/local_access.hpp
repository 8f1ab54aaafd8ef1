#pragma once

#include "cloudflow/pubsub/backend.hpp"
#include "cloudflow/sandbox/access.hpp"

namespace cloudflow::sandbox {

/// Over a log that this process has open; `log` outlives the access.
std::unique_ptr<log_access> make_local_access(pubsub::backend& log);

}  // namespace cloudflow::sandbox
