#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace cloudflow {

/// Whether no byte has its highest bit set. Inline: most texts are so, and short.
inline bool is_ascii(std::string_view text) noexcept {
  const auto* at = text.data();
  auto left = text.size();
  const auto load = [](const char* from, auto word) {
    std::memcpy(&word, from, sizeof word);
    return word;
  };
  if (left >= sizeof(std::uint64_t)) {
    auto bits = load(at + left - sizeof(std::uint64_t), std::uint64_t{});
    for (; left > sizeof bits; at += sizeof bits, left -= sizeof bits)
      bits |= load(at, std::uint64_t{});
    return (bits & 0x8080808080808080) == 0;
  }
  if (left >= sizeof(std::uint32_t))
    return ((load(at, std::uint32_t{}) | load(at + left - sizeof(std::uint32_t), std::uint32_t{})) &
            0x80808080U) == 0;
  return left == 0 || ((at[0] | at[left / 2] | at[left - 1]) & 0x80) == 0;
}

/// Whether text is well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above
/// U+10FFFF).
bool is_utf8(std::string_view text) noexcept;

}  // namespace cloudflow
