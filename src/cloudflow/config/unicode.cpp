#include "cloudflow/config/unicode.hpp"

namespace cloudflow::config::detail {

namespace {

struct lead_byte {
  std::size_t bytes;
  char32_t bits;
  char32_t smallest;  // anything below was encoded in too many bytes
};

lead_byte lead(unsigned char c) {
  if (c < 0x80) return {1, c, 0};
  if (c >= 0xc2 && c < 0xe0) return {2, c & 0x1fU, 0x80};
  if (c >= 0xe0 && c < 0xf0) return {3, c & 0x0fU, 0x800};
  if (c >= 0xf0 && c < 0xf5) return {4, c & 0x07U, 0x10000};
  return {0, 0, 0};
}

bool is_surrogate(char32_t c) { return c >= 0xd800 && c < 0xe000; }

}  // namespace

code_point decode(std::string_view text) {
  const auto first = lead(static_cast<unsigned char>(text.front()));
  if (first.bytes == 0 || text.size() < first.bytes) return {};
  auto c = first.bits;
  for (std::size_t i = 1; i != first.bytes; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xc0U) != 0x80) return {};
    c = (c << 6U) | (next & 0x3fU);
  }
  if (c < first.smallest || c > 0x10ffff || is_surrogate(c)) return {};
  return {c, first.bytes};
}

void append(std::string& to, char32_t c) {
  if (is_surrogate(c) || c > 0x10ffff) c = 0xfffd;
  const auto tail = [&](unsigned shift) {
    to.push_back(static_cast<char>(0x80U | ((c >> shift) & 0x3fU)));
  };
  if (c < 0x80) {
    to.push_back(static_cast<char>(c));
  } else if (c < 0x800) {
    to.push_back(static_cast<char>(0xc0U | (c >> 6U)));
    tail(0);
  } else if (c < 0x10000) {
    to.push_back(static_cast<char>(0xe0U | (c >> 12U)));
    tail(6);
    tail(0);
  } else {
    to.push_back(static_cast<char>(0xf0U | (c >> 18U)));
    tail(12);
    tail(6);
    tail(0);
  }
}

bool is_space(char32_t c) {
  if (c == ' ' || (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x1f)) return true;
  if (c < 0xa0) return false;
  return c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
         c == 0x202f || c == 0x205f || c == 0x3000 || c == 0xfeff;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty()) {
    const auto c = decode(text);
    if (c.bytes == 0 || !is_space(c.value)) break;
    text.remove_prefix(c.bytes);
  }
  std::size_t end = 0;
  for (std::size_t at = 0; at < text.size();) {
    const auto c = decode(text.substr(at));
    at += c.bytes == 0 ? 1 : c.bytes;
    if (c.bytes == 0 || !is_space(c.value)) end = at;
  }
  return text.substr(0, end);
}

}  // namespace cloudflow::config::detail
