#pragma once

#include "cloudflow/base/result.hpp"

#include <filesystem>

namespace cloudflow::sandbox {

/// Prints where the records of a running application came from and went. Errors: none runs there; a
/// record is missing.
result<void> show_balance(const std::filesystem::path& state, bool as_json);

}  // namespace cloudflow::sandbox
