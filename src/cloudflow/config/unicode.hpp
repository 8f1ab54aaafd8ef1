/// UTF-8 and what HOCON takes for white space. Internal to config.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace cloudflow::config::detail {

struct code_point {
  char32_t value = 0;
  std::size_t bytes = 0;  ///< 0: no well-formed UTF-8 here
};

/// The code point at the start of `text`, which must not be empty.
code_point decode(std::string_view text);
/// Appends UTF-8. A surrogate becomes U+FFFD.
void append(std::string& to, char32_t c);
/// White space as the reference implementation has it: Unicode's separators, the non-breaking ones,
/// the ASCII controls that separate, and the byte order mark. A newline is one.
bool is_space(char32_t c);
/// Without white space at either end.
std::string_view trimmed(std::string_view text);

}  // namespace cloudflow::config::detail
