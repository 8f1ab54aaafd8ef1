#pragma once

#include <string>
#include <string_view>

namespace cloudflow::connect {

/// Whether `text` is UTF-8 as RFC 3629 has it (no surrogates, nothing over U+10FFFF, no overlong
/// forms).
bool is_utf8(std::string_view text) noexcept;

/// Appends `text` to `out` with every maximal invalid part replaced by U+FFFD, as the Unicode
/// Standard (chapter 3, "U+FFFD Substitution of Maximal Subparts") recommends.
void append_as_utf8(std::string_view text, std::string& out);

/// The beginning of `text` of at most `limit` bytes, without a character that is cut in two at its
/// end.
std::string_view utf8_prefix(std::string_view text, std::size_t limit) noexcept;

}  // namespace cloudflow::connect
