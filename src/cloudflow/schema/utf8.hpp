#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cloudflow::schema {

/// Length in bytes (1 to 4) of the well-formed UTF-8 sequence that `text` begins with, 0 if it begins with none
/// (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
std::size_t utf8_length(std::string_view text) noexcept;

/// @pre code_point <= 0x10FFFF
void append_utf8(std::string& out, std::uint32_t code_point);

}  // namespace cloudflow::schema
