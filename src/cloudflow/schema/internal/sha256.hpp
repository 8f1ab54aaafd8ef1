#pragma once

#include <string>
#include <string_view>

namespace cloudflow::schema::internal {

/// SHA-256 (FIPS 180-4) of the bytes: 32 bytes.
std::string sha256(std::string_view bytes);

}  // namespace cloudflow::schema::internal
