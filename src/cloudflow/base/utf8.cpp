#include "cloudflow/base/utf8.hpp"

#include <algorithm>
#include <cstddef>

namespace cloudflow {
namespace {

struct sequence {
  std::size_t size;           ///< in bytes; 0: no sequence begins so
  unsigned char least, most;  ///< of its second byte
};

sequence sequence_of(unsigned char first) noexcept {
  if (first >= 0xC2 && first <= 0xDF) return {2, 0x80, 0xBF};
  if (first == 0xE0) return {3, 0xA0, 0xBF};
  if (first == 0xED) return {3, 0x80, 0x9F};
  if (first >= 0xE1 && first <= 0xEF) return {3, 0x80, 0xBF};
  if (first == 0xF0) return {4, 0x90, 0xBF};
  if (first >= 0xF1 && first <= 0xF3) return {4, 0x80, 0xBF};
  if (first == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

bool begins_with(std::string_view text, const sequence& s) noexcept {
  if (s.size == 0 || text.size() < s.size) return false;
  const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(1) < s.least || byte(1) > s.most) return false;
  for (std::size_t i = 2; i != s.size; ++i)
    if ((byte(i) & 0xC0U) != 0x80U) return false;
  return true;
}

}  // namespace

bool is_utf8(std::string_view text) noexcept {
  constexpr std::size_t step = 8;
  while (!text.empty()) {
    if (is_ascii(text.substr(0, step))) {
      text.remove_prefix(std::min(step, text.size()));
      continue;
    }
    while (static_cast<unsigned char>(text.front()) < 0x80) text.remove_prefix(1);
    const auto s = sequence_of(static_cast<unsigned char>(text.front()));
    if (!begins_with(text, s)) return false;
    text.remove_prefix(s.size);
  }
  return true;
}

}  // namespace cloudflow
