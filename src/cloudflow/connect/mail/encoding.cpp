#include "cloudflow/connect/mail/internal/encoding.hpp"

#include "cloudflow/base/base64.hpp"

#include <fmt/format.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <iterator>

namespace cloudflow::connect::detail {

namespace {

constexpr std::size_t longest_line = 76;  // RFC 2047, 2: a line with an encoded word
constexpr std::string_view word_begin = "=?UTF-8?B?", word_end = "?=";

bool is_alphanumeric(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}
bool is_printable(char c) noexcept { return c >= 0x20 && c < 0x7F; }

std::string without_controls(std::string_view text) {
  std::string out{text};
  std::ranges::replace_if(
      out, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, ' ');
  return out;
}

/// How many bytes of `text`, up to `limit`, end with a whole character; at least 1.
std::size_t whole_characters(std::string_view text, std::size_t limit) noexcept {
  if (text.size() <= limit) return text.size();
  auto size = limit;
  while (size > 1 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
  return size;
}

std::string encoded_words(std::string_view text, std::size_t used) {
  std::string out;
  while (!text.empty()) {
    const auto taken = used + word_begin.size() + word_end.size();
    // Four characters for three bytes; a header name that leaves no room gets a line that is too
    // long.
    const auto room =
        std::max<std::size_t>(taken < longest_line ? (longest_line - taken) / 4 * 3 : 0, 9);
    const auto size = whole_characters(text, room);
    if (!out.empty()) out += "\r\n ";
    out += word_begin;
    out += to_base64(text.substr(0, size));
    out += word_end;
    text.remove_prefix(size);
    used = 1;
  }
  return out;
}

}  // namespace

std::string header_text(std::string_view text, std::size_t used) {
  auto clean = without_controls(text);
  const bool is_plain = std::ranges::all_of(clean, is_printable) && clean.find("=?") == clean.npos;
  constexpr std::size_t longest_plain_line = 200;  // far below the 998 bytes a line may have
  if (is_plain && used + clean.size() <= longest_plain_line) return clean;
  return encoded_words(clean, used);
}

std::string phrase(std::string_view name, std::size_t used) {
  auto clean = without_controls(name);
  if (!std::ranges::all_of(clean, is_printable) || clean.find("=?") != clean.npos)
    return encoded_words(clean, used);
  if (std::ranges::all_of(clean, [](char c) { return is_alphanumeric(c) || c == ' ' || c == '-'; }))
    return clean;
  std::string out = "\"";
  for (const char c : clean) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string word_for(std::string_view key, std::size_t limit) {
  std::string out;
  for (std::size_t i = 0; i != key.size(); ++i) {
    // A dot between two other characters only: names do not begin with one, and dot-atoms have no
    // two in a row.
    const bool is_inner_dot = key[i] == '.' && i != 0 && i + 1 != key.size() &&
                              is_alphanumeric(key[i - 1]) && is_alphanumeric(key[i + 1]);
    if (is_alphanumeric(key[i]) || key[i] == '-' || key[i] == '_' || is_inner_dot) {
      out += key[i];
    } else {
      fmt::format_to(std::back_inserter(out), "%{:02X}", static_cast<unsigned char>(key[i]));
    }
  }
  if (!out.empty() && out.size() <= limit) return out;
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char*>(key.data()), key.size(), digest.data());
  std::string hash = "%-";
  for (const auto byte : digest) fmt::format_to(std::back_inserter(hash), "{:02x}", byte);
  out.resize(std::min(out.size(), limit - std::min(limit, hash.size())));
  while (!out.empty() && (out.ends_with('.') || out.ends_with('%'))) out.pop_back();
  return out + hash;
}

}  // namespace cloudflow::connect::detail
