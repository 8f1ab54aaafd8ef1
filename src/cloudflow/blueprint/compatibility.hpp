/// Whether what one port writes can be read by another.
#pragma once

#include "cloudflow/blueprint/descriptor.hpp"

#include <optional>
#include <string>

namespace cloudflow::blueprint {

/// None if the ports can share a topic: equal format and fingerprint, or two Avro schemas of which
/// each can read what the other writes. Otherwise the reason, for a person.
std::optional<std::string> incompatibility(const schema_descriptor& a, const schema_descriptor& b);

}  // namespace cloudflow::blueprint
