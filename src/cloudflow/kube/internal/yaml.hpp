#pragma once

#include "cloudflow/base/result.hpp"

#include <nlohmann/json.hpp>

#include <string_view>

namespace cloudflow::kube::internal {

/// One document of YAML as JSON: plain `true`, `false` and `null` are what they are, every other
/// scalar is text. Fails with line and column; also for what unfolds to more than a million values.
cloudflow::result<nlohmann::json> read_yaml(std::string_view text);

}  // namespace cloudflow::kube::internal
