/// Classes of ASCII characters, whatever the locale.
#pragma once

namespace cloudflow {

inline bool is_digit(char c) noexcept { return static_cast<unsigned char>(c - '0') < 10; }

/// A to Z as a to z; everything else as it is.
inline char to_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

}  // namespace cloudflow
