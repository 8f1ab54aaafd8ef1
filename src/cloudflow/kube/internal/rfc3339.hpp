#pragma once

#include "cloudflow/base/time.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace cloudflow::kube::internal {

/// `2026-03-05T17:30:20Z`, `2026-03-05T17:30:20.5-08:00`; nothing for anything else.
std::optional<timestamp> from_rfc3339(std::string_view text);

/// With the six digits of a MicroTime: `2026-03-05T17:30:20.500000Z`.
std::string to_micro_time(timestamp time);

}  // namespace cloudflow::kube::internal
