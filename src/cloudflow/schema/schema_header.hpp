/// The header of a record whose schema is not its topic's base schema.
#pragma once

#include <cstddef>
#include <string_view>

namespace cloudflow::schema {

inline constexpr std::string_view schema_header_name = "cloudflow-schema";
/// Its value: the first bytes of the fingerprint of the schema.
inline constexpr std::size_t schema_header_size = 8;

}  // namespace cloudflow::schema
