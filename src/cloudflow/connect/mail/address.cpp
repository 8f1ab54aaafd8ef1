#include "cloudflow/connect/mail/address.hpp"

#include <fmt/format.h>

namespace cloudflow::connect {

namespace {

constexpr std::size_t longest_address = 254,
                      longest_local_part = 64;  // RFC 5321, 4.5.3.1 and erratum 1690

std::string_view trim(std::string_view s) noexcept {
  while (s.starts_with(' ')) s.remove_prefix(1);
  while (s.ends_with(' ')) s.remove_suffix(1);
  return s;
}

bool is_alphanumeric(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool has_control_character(std::string_view s) noexcept {
  for (const char c : s)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) return true;
  return false;
}

/// `dot-atom` of RFC 5322, 3.2.3, with `extra` beside letters and digits.
bool is_dot_atom(std::string_view s, std::string_view extra) noexcept {
  if (s.empty() || s.starts_with('.') || s.ends_with('.') || s.find("..") != s.npos) return false;
  for (const char c : s)
    if (c != '.' && !is_alphanumeric(c) && extra.find(c) == extra.npos) return false;
  return true;
}

std::string_view objection_to(std::string_view address) noexcept {
  const auto at = address.rfind('@');
  if (at == address.npos) return "there is no @";
  if (address.size() > longest_address || at > longest_local_part) return "it is too long";
  if (!is_dot_atom(address.substr(0, at), "!#$%&'*+-/=?^_`{|}~"))
    return "what stands before the @ is none";
  if (!is_dot_atom(address.substr(at + 1), "-")) return "what stands behind the @ is no domain";
  return {};
}

std::string unquoted(std::string_view name) {
  if (name.size() < 2 || !name.starts_with('"') || !name.ends_with('"')) return std::string{name};
  std::string out;
  const auto inside = name.substr(1, name.size() - 2);
  for (std::size_t i = 0; i != inside.size(); ++i) {
    if (inside[i] == '\\' && i + 1 != inside.size()) ++i;
    out += inside[i];
  }
  return out;
}

}  // namespace

result<mail_address> mail_address::parse(std::string_view text) {
  if (has_control_character(text))
    return error{"a mail address has a control character in it; line ends do not belong there"};
  mail_address parsed;
  auto address = trim(text);
  if (const auto open = address.rfind('<'); open != address.npos && address.ends_with('>')) {
    parsed.name_ = unquoted(trim(address.substr(0, open)));
    address = address.substr(open + 1, address.size() - open - 2);
  }
  if (const auto why = objection_to(address); !why.empty())
    return error{
        fmt::format("'{}' is no mail address: {}; write for example ops@example.org or "
                    "Operations <ops@example.org>",
                    text, why)};
  parsed.address_ = address;
  return parsed;
}

result<std::vector<mail_address>> mail_address::parse_list(std::string_view text) {
  std::vector<mail_address> all;
  bool quoted = false;
  for (std::size_t from = 0, i = 0; i <= text.size(); ++i) {
    if (i != text.size() && text[i] == '"') quoted = !quoted;
    if (i != text.size() && (quoted || text[i] != ',')) continue;
    auto one = CLOUDFLOW_TRY(parse(text.substr(from, i - from)));
    all.push_back(std::move(one));
    from = i + 1;
  }
  return all;
}

std::string_view mail_address::domain() const noexcept {
  return std::string_view{address_}.substr(address_.rfind('@') + 1);
}

}  // namespace cloudflow::connect
