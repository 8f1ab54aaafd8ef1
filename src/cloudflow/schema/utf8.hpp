#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cloudflow::schema {

/// Length in bytes (1 to 4) of the well-formed UTF-8 sequence that `text` begins with, 0 if it
/// begins with none (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
std::size_t utf8_length(std::string_view text) noexcept;

/// How many bytes of a text with `utf8_length(text) == 0` one replacement character stands for: the
/// longest beginning of a sequence that might have become well-formed, at least one ("Substitution
/// of Maximal Subparts", Unicode 15, section 3.9).
/// @pre !text.empty()
std::size_t utf8_broken_length(std::string_view text) noexcept;

/// @pre code_point <= 0x10FFFF
void append_utf8(std::string& out, std::uint32_t code_point);

}  // namespace cloudflow::schema
