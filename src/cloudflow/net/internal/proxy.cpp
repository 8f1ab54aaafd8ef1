#include "cloudflow/net/internal/proxy.hpp"

#include "cloudflow/base/ascii.hpp"
#include "cloudflow/net/internal/handles.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace cloudflow::net::detail {

namespace {

/// 4 or 16 bytes; none for what is no address.
std::vector<unsigned char> address_bytes(const std::string& text) {
  std::array<unsigned char, 16> bytes{};
  if (inet_pton(AF_INET, text.c_str(), bytes.data()) == 1)
    return {bytes.begin(), bytes.begin() + 4};
  if (inet_pton(AF_INET6, text.c_str(), bytes.data()) == 1) return {bytes.begin(), bytes.end()};
  return {};
}

bool is_equal_up_to(std::size_t bits, const std::vector<unsigned char>& one,
                    const std::vector<unsigned char>& other) {
  const auto whole = bits / 8;
  if (!std::equal(one.begin(), one.begin() + static_cast<std::ptrdiff_t>(whole), other.begin()))
    return false;
  const auto left = static_cast<unsigned>(bits % 8);
  return left == 0 || (one[whole] ^ other[whole]) >> (8 - left) == 0;
}

/// `10.1.2.3` in `10.0.0.0/8`, or in `10.1.2.3`.
bool is_address_in(const std::vector<unsigned char>& host, std::string_view entry) {
  const auto slash = entry.find('/');
  const auto network = address_bytes(std::string{entry.substr(0, slash)});
  if (network.size() != host.size()) return false;
  std::size_t bits = 8 * host.size();
  if (slash != entry.npos) {
    const auto length = entry.substr(slash + 1);
    const auto [end, ec] = std::from_chars(length.data(), length.data() + length.size(), bits);
    if (ec != std::errc{} || end != length.data() + length.size() || bits > 8 * host.size())
      return false;
  }
  return is_equal_up_to(bits, host, network);
}

std::string_view without_dots(std::string_view name) {
  if (name.starts_with('.')) name.remove_prefix(1);
  if (name.ends_with('.')) name.remove_suffix(1);
  return name;
}

/// `api.example.org` in `example.org` or `.example.org`.
bool is_name_in(std::string_view host, std::string_view entry) {
  host = without_dots(host);
  entry = without_dots(entry);
  if (entry.empty() || host.size() < entry.size()) return false;
  const auto end = host.substr(host.size() - entry.size());
  return std::ranges::equal(end, entry, {}, to_lower, to_lower) &&
         (host.size() == entry.size() || host[host.size() - entry.size() - 1] == '.');
}

struct variable_value {
  std::string name, value;
};

/// The first of them that is set and not empty.
variable_value first_set(std::initializer_list<const char*> names, const environment& variable) {
  for (const auto* name : names)
    if (auto value = variable(name); value && !value->empty()) return {name, std::move(*value)};
  return {};
}

result<chosen_proxy> checked(chosen_proxy proxy) {
  if (proxy.url.empty()) return proxy;
  constexpr auto schemes = std::to_array<std::string_view>({"http", "https", "socks5", "socks5h"});
  const auto scheme = proxy.url.substr(0, proxy.url.find("://"));
  const bool is_known = proxy.url.find("://") == std::string::npos ||
                        std::ranges::find(schemes, scheme) != schemes.end();
  const url_handle parsed{present(curl_url())};
  const auto code =
      curl_url_set(parsed.get(), CURLUPART_URL, proxy.url.c_str(),
                   CURLU_NON_SUPPORT_SCHEME | CURLU_GUESS_SCHEME | CURLU_DEFAULT_PORT);
  if (is_known && code == CURLUE_OK) return proxy;
  return error{
      errc::invalid_request,
      fmt::format("the proxy '{}'{}{} cannot be used: {}; expected for example "
                  "http://proxy.example.org:3128",
                  without_secrets(proxy.url), proxy.origin.empty() ? "" : " of ", proxy.origin,
                  is_known ? curl_url_strerror(code)
                           : "its scheme is none of http, https, socks5 and socks5h")};
}

}  // namespace

std::optional<std::string> process_environment(const char* name) {
  const auto* value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>{value};
}

bool is_in_no_proxy(std::string_view host, std::string_view list) {
  const auto address = address_bytes(std::string{host});
  while (!list.empty()) {
    const auto end = std::min(list.find_first_of(", \t"), list.size());
    const auto entry = list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
    if (entry == "*") return true;
    if (address.empty() ? is_name_in(host, entry) : is_address_in(address, entry)) return true;
  }
  return false;
}

result<chosen_proxy> choose_proxy(const proxy_choice& wanted, const url& server,
                                  const environment& variable) {
  if (std::holds_alternative<no_proxy>(wanted)) return chosen_proxy{};
  if (const auto* one = std::get_if<proxy_at>(&wanted)) return checked({one->url, ""});
  auto found = server.scheme == "https"
                   ? first_set({"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"}, variable)
                   : first_set({"http_proxy", "all_proxy", "ALL_PROXY"}, variable);
  const auto exceptions = first_set({"no_proxy", "NO_PROXY"}, variable);
  if (found.value.empty() || is_in_no_proxy(server.host, exceptions.value)) return chosen_proxy{};
  return checked({std::move(found.value), std::move(found.name)});
}

}  // namespace cloudflow::net::detail
