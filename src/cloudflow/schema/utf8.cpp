#include "cloudflow/schema/utf8.hpp"

namespace cloudflow::schema {

namespace {

struct sequence {
  std::size_t expected = 0;  ///< bytes, by the first one; 0: no first byte
  std::size_t good = 0;      ///< how many of them are as they must be
};

sequence begin_of(std::string_view text) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (text.empty()) return {};
  const auto first = byte(0);
  if (first < 0x80) return {1, 1};
  if (first < 0xC2 || first > 0xF4) return {};
  sequence found{first >= 0xF0 ? 4U : first >= 0xE0 ? 3U : 2U, 1};
  // The second byte's range excludes overlong forms, surrogates and what lies beyond U+10FFFF.
  const unsigned lowest = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const unsigned highest = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  if (text.size() < 2 || byte(1) < lowest || byte(1) > highest) return found;
  for (found.good = 2; found.good != found.expected; ++found.good)
    if (found.good == text.size() || (byte(found.good) & 0xC0) != 0x80) break;
  return found;
}

}  // namespace

std::size_t utf8_length(std::string_view text) noexcept {
  const auto found = begin_of(text);
  return found.good == found.expected ? found.expected : 0;
}

std::size_t utf8_broken_length(std::string_view text) noexcept {
  const auto found = begin_of(text);
  return found.good == 0 ? 1 : found.good;
}

void append_utf8(std::string& out, std::uint32_t c) {
  const auto put = [&](std::uint32_t b) { out += static_cast<char>(b); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0 | c >> 6);
    put(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    put(0xE0 | c >> 12);
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  } else {
    put(0xF0 | c >> 18);
    put(0x80 | (c >> 12 & 0x3F));
    put(0x80 | (c >> 6 & 0x3F));
    put(0x80 | (c & 0x3F));
  }
}

}  // namespace cloudflow::schema
