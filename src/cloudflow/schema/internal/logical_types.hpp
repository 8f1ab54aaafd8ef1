#pragma once

#include "cloudflow/schema/avro_schema.hpp"
#include "cloudflow/schema/json.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace cloudflow::schema::internal {

/// Gives the node the logical type that its JSON names, if it is valid there.
void set_logical_type(avro_node& node, const json_value& json);

/// A member that is a whole number from 0 to 2147483647.
std::optional<std::uint32_t> whole_number(const json_value& json, std::string_view member);

}  // namespace cloudflow::schema::internal
