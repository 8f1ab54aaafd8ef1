#include "cloudflow/connect/files/internal/utf8.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace cloudflow::connect {

namespace {

struct sequence {
  std::size_t size;  ///< bytes of the character, or of the maximal invalid part
  bool valid;
};

std::size_t ascii_run(std::string_view s, std::size_t from) noexcept {
  auto i = from;
  for (std::uint64_t word = 0; i + sizeof word <= s.size(); i += sizeof word) {
    std::memcpy(&word, s.data() + i, sizeof word);
    if ((word & 0x8080808080808080u) != 0) break;
  }
  while (i < s.size() && static_cast<unsigned char>(s[i]) < 0x80) ++i;
  return i - from;
}

/// @pre the byte at `at` is not ASCII.
sequence sequence_at(std::string_view s, std::size_t at) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(s[at + i]); };
  const unsigned first = byte(0);
  // The second byte's range excludes overlong forms, surrogates and what lies over U+10FFFF (RFC
  // 3629, 4).
  unsigned low = 0x80, high = 0xBF;
  std::size_t size = 0;
  if (first >= 0xC2 && first <= 0xDF) {
    size = 2;
  } else if (first >= 0xE0 && first <= 0xEF) {
    size = 3;
    if (first == 0xE0) low = 0xA0;
    if (first == 0xED) high = 0x9F;
  } else if (first >= 0xF0 && first <= 0xF4) {
    size = 4;
    if (first == 0xF0) low = 0x90;
    if (first == 0xF4) high = 0x8F;
  } else {
    return {1, false};
  }
  for (std::size_t i = 1; i != size; ++i) {
    if (at + i >= s.size() || byte(i) < low || byte(i) > high) return {i, false};
    low = 0x80;
    high = 0xBF;
  }
  return {size, true};
}

}  // namespace

bool is_utf8(std::string_view text) noexcept {
  for (std::size_t i = ascii_run(text, 0); i < text.size(); i += ascii_run(text, i)) {
    const auto next = sequence_at(text, i);
    if (!next.valid) return false;
    i += next.size;
  }
  return true;
}

void append_as_utf8(std::string_view text, std::string& out) {
  for (std::size_t i = 0; i < text.size();) {
    if (const auto run = ascii_run(text, i); run != 0) {
      out.append(text, i, run);
      i += run;
      continue;
    }
    const auto next = sequence_at(text, i);
    out.append(next.valid ? text.substr(i, next.size) : std::string_view{"\xEF\xBF\xBD"});
    i += next.size;
  }
}

std::string_view utf8_prefix(std::string_view text, std::size_t limit) noexcept {
  text = text.substr(0, limit);
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, text.size()); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if (byte < 0x80) return text;
    if (byte < 0xC0) continue;
    const std::size_t size = byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
    return size > back ? text.substr(0, text.size() - back) : text;
  }
  return text;
}

}  // namespace cloudflow::connect
