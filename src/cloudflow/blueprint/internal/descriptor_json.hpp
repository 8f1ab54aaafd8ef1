#pragma once

#include "cloudflow/blueprint/descriptor.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>

namespace cloudflow::blueprint::internal {

/// `with_schema_text`: false writes `""` for every schema text, as an application descriptor has
/// it.
nlohmann::ordered_json descriptor_to_json(const streamlet_descriptor& descriptor,
                                          bool with_schema_text);
nlohmann::ordered_json mount_to_json(const volume_mount_descriptor& mount);

/// Compact; what is no UTF-8 becomes U+FFFD.
std::string dump(const nlohmann::ordered_json& value);

}  // namespace cloudflow::blueprint::internal
