#include "cloudflow/blueprint/names.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <vector>

namespace cloudflow::blueprint {
namespace {

constexpr std::size_t max_dns_label_length = 63;
constexpr std::size_t max_dns_subdomain_length = 253;
constexpr int most_port = 65535;

bool matches(std::string_view text, const RE2& pattern) {
  return RE2::FullMatch(re2::StringPiece{text.data(), text.size()}, pattern);
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blank = " \t\r\n";
  const auto first = text.find_first_not_of(blank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

std::vector<std::string> non_empty_parts(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const auto dot = std::min(text.find('.'), text.size());
    if (dot > 0) parts.emplace_back(text.substr(0, dot));
    text.remove_prefix(std::min(dot + 1, text.size()));
  }
  return parts;
}

/// What compatibility decomposition (NFKD) leaves of U+00C0 to U+017F once marks are dropped, in
/// lower case; a space where nothing is left.
constexpr std::string_view base_letters =
    "aaaaaa ceeeeiiii nooooo  uuuuy  aaaaaa ceeeeiiii nooooo  uuuuy y"
    "aaaaaaccccccccdd  eeeeeeeeeegggggggghh  iiiiiiiii iijjkk llllllll  nnnnnnn  oooooo  rrrrrr"
    "sssssssstttt  uuuuuuuuuuuuwwyyyzzzzzzs";
static_assert(base_letters.size() == 0x180 - 0xC0);

/// The base letter of the two bytes of UTF-8, or a space.
char base_letter(unsigned char lead, unsigned char next) {
  const auto code = ((lead & 0x1FU) << 6U) | (next & 0x3FU);
  return code >= 0xC0 && code < 0x180 ? base_letters[code - 0xC0] : ' ';
}

std::string keep_dns_characters(std::string_view text) {
  std::string kept;
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto c = text[i];
    if ((static_cast<unsigned char>(c) & 0xE0U) == 0xC0U && i + 1 < text.size())
      c = base_letter(static_cast<unsigned char>(c), static_cast<unsigned char>(text[++i]));
    if (c == '_' || c == '.') c = '-';
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-') kept += c;
  }
  return kept;
}

}  // namespace

bool is_dns_name(std::string_view name) {
  static const RE2 pattern{"[a-z0-9]([-a-z0-9]*[a-z0-9])?"};
  return matches(name, pattern);
}

bool is_volume_mount_name(std::string_view name) {
  return name.size() <= max_volume_mount_name_length && is_dns_name(name);
}

bool is_class_name(std::string_view name) {
  static const RE2 pattern{R"(([\p{L}_$][\p{L}\p{N}_$]*\.)*[\p{L}_$][\p{L}\p{N}_$]*)"};
  return matches(name, pattern);
}

bool is_parameter_key(std::string_view key) {
  static const RE2 pattern{"[a-zA-Z]+(-[-a-zA-Z0-9]+)*"};
  return matches(key, pattern);
}

bool is_server_list(std::string_view text) {
  static const RE2 server{
      R"(\s*(?:\w+://)?(?:[^\s:,;/\[\]]+|\[[0-9a-fA-F:.%]+\])(?::0*([1-9][0-9]{0,4}))?\s*)"};
  while (true) {
    const auto comma = text.find(',');
    const auto one = text.substr(0, comma);
    std::string port;
    if (!RE2::FullMatch(re2::StringPiece{one.data(), one.size()}, server, &port)) return false;
    if (!port.empty() && std::stoi(port) > most_port) return false;
    if (comma == std::string_view::npos) return true;
    text.remove_prefix(comma + 1);
  }
}

bool is_topic_name(std::string_view name) {
  static const RE2 pattern{R"([a-zA-Z0-9._-]+)"};
  return name.size() <= max_topic_name_length && name != "." && name != ".." &&
         matches(name, pattern);
}

std::string dotted_class_name(std::string_view name) {
  std::string dotted{name.starts_with("::") ? name.substr(2) : name};
  for (auto at = dotted.find("::"); at != std::string::npos; at = dotted.find("::", at))
    dotted.replace(at, 2, ".");
  return dotted;
}

std::optional<port_path> parse_port_path(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with('.')) return std::nullopt;
  auto parts = non_empty_parts(text);
  if (parts.size() < 2) return std::nullopt;
  port_path path{.streamlet = parts.front(), .port = parts.back()};
  for (std::size_t i = 1; i + 1 < parts.size(); ++i) path.streamlet += "." + parts[i];
  return path;
}

std::string to_dns_label(std::string_view text) {
  auto label = keep_dns_characters(text).substr(0, max_dns_label_length);
  if (label.starts_with('-')) label.erase(0, 1);
  if (label.ends_with('-')) label.pop_back();
  return label;
}

std::string to_dns_subdomain(std::string_view text) {
  std::string subdomain;
  for (const auto& part : non_empty_parts(text)) {
    if (!subdomain.empty()) subdomain += '.';
    subdomain += to_dns_label(part);
  }
  subdomain = subdomain.substr(0, max_dns_subdomain_length);
  if (subdomain.ends_with('.')) subdomain.pop_back();
  return subdomain;
}

}  // namespace cloudflow::blueprint
