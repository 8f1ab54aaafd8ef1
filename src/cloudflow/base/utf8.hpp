#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace cloudflow {

namespace detail {

template <class Word>
Word load(const char* from) noexcept {
  Word word;
  std::memcpy(&word, from, sizeof word);
  return word;
}
/// The bytes of a short text, some of them twice, one upon the other; they are copied to `to` if
/// there is one. Inline: most texts are short. @pre not empty, and at most 16 bytes
template <bool Copies>
[[gnu::always_inline]] inline std::uint64_t bits_of_short(char* to,
                                                          std::string_view text) noexcept {
  const auto* from = text.data();
  const auto both_ends = [&]<class Word>(Word) __attribute__((always_inline))->std::uint64_t {
    const auto last = text.size() - sizeof(Word);
    const auto a = load<Word>(from), b = load<Word>(from + last);
    if constexpr (Copies) {
      std::memcpy(to, &a, sizeof a);
      std::memcpy(to + last, &b, sizeof b);
    }
    return a | b;
  };
  if (text.size() >= sizeof(std::uint64_t)) return both_ends(std::uint64_t{});
  if (text.size() >= sizeof(std::uint32_t)) return both_ends(std::uint32_t{});
  if (text.size() >= sizeof(std::uint16_t)) return both_ends(std::uint16_t{});
  return both_ends(std::uint8_t{});
}
constexpr std::size_t most_of_short = 16;
constexpr std::uint64_t high_bits = 0x8080808080808080;

}  // namespace detail

/// Whether no byte has its highest bit set.
inline bool is_ascii(std::string_view text) noexcept {
  using detail::load;
  if (text.empty()) return true;
  if (text.size() <= detail::most_of_short)
    return (detail::bits_of_short<false>(nullptr, text) & detail::high_bits) == 0;
  const auto* at = text.data();
  auto left = text.size();
  auto bits = load<std::uint64_t>(at + left - sizeof(std::uint64_t));
  for (; left > sizeof bits; at += sizeof bits, left -= sizeof bits)
    bits |= load<std::uint64_t>(at);
  return (bits & detail::high_bits) == 0;
}
/// The same, and copies the text to `to`.
inline bool copy_ascii(char* to, std::string_view text) noexcept {
  if (text.empty()) return true;
  if (text.size() <= detail::most_of_short) [[likely]]
    return (detail::bits_of_short<true>(to, text) & detail::high_bits) == 0;
  std::memcpy(to, text.data(), text.size());
  return is_ascii(text);
}

/// Whether text is well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above
/// U+10FFFF).
bool is_utf8(std::string_view text) noexcept;

}  // namespace cloudflow
