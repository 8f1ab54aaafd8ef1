#include "cloudflow/base/base64.hpp"

#include <algorithm>
#include <cstdint>

namespace cloudflow {

namespace {

constexpr std::string_view digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string to_base64(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (; !bytes.empty(); bytes.remove_prefix(std::min<std::size_t>(3, bytes.size()))) {
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i != 3; ++i)
      bits = bits << 8 | (i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0U);
    for (std::size_t i = 0; i != 4; ++i)
      out += i <= bytes.size() ? digits[bits >> (18 - 6 * i) & 63] : '=';
  }
  return out;
}

std::optional<std::string> from_base64(std::string_view text) {
  std::string out;
  std::uint32_t bits = 0;
  std::size_t count = 0, padding = 0;
  for (const char c : text) {
    if (c == '\n' || c == '\r') continue;
    const auto digit = digits.find(c);
    if (c == '=' ? ++padding > 2 : digit == digits.npos || padding != 0) return std::nullopt;
    bits = bits << 6 | (c == '=' ? 0U : static_cast<std::uint32_t>(digit));
    if (++count % 4 != 0) continue;
    for (const auto shift : {16, 8, 0}) out += static_cast<char>(bits >> shift & 255);
    bits = 0;
  }
  if (count % 4 != 0) return std::nullopt;
  out.resize(out.size() - padding);
  return out;
}

}  // namespace cloudflow
