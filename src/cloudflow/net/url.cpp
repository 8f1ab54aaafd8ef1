#include "cloudflow/net/url.hpp"

#include "cloudflow/base/ascii.hpp"
#include "cloudflow/net/internal/handles.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace cloudflow::net {

namespace {

using detail::present, detail::text_handle, detail::url_handle;

error no_url(std::string_view text, std::string_view why) {
  return {errc::invalid_request,
          fmt::format("'{}' cannot be called: {}; expected for example https://example.org/path",
                      without_secrets(text), why)};
}

std::string part(CURLU* url, CURLUPart which, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, which, &text, flags) != CURLUE_OK) return {};
  return text_handle{text}.get();
}

bool is_secret_parameter(std::string_view name) {
  constexpr auto parts = std::to_array<std::string_view>(
      {"token", "secret", "pass", "pwd", "key", "sig", "credential", "auth", "code", "session"});
  std::string lower{name};
  std::ranges::transform(lower, lower.begin(), to_lower);
  return std::ranges::any_of(
      parts, [&](std::string_view one) { return lower.find(one) != std::string::npos; });
}

/// `?a=1&token=x` as `?a=1&token=***`.
std::string masked_query(std::string_view query) {
  std::string out;
  while (!query.empty()) {
    const auto end = std::min(query.find_first_of("&;", 1), query.size());
    const auto parameter = query.substr(0, end);
    const auto equals = parameter.find('=');
    const auto name = parameter.substr(1, equals == parameter.npos ? equals : equals - 1);
    const bool is_masked = equals != parameter.npos && is_secret_parameter(name);
    out += is_masked ? fmt::format("{}***", parameter.substr(0, equals + 1)) : parameter;
    query.remove_prefix(end);
  }
  return out;
}

}  // namespace

result<url> url::parse(std::string_view text) {
  constexpr std::string_view no_scheme = "it does not begin with http:// or https://";
  if (text.find("://") == text.npos) return no_url(text, no_scheme);
  if (std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) <= 0x20; }))
    return no_url(text, "it has a space or a control character");
  const url_handle parsed{present(curl_url())};
  const auto code = curl_url_set(parsed.get(), CURLUPART_URL, std::string{text}.c_str(),
                                 CURLU_NON_SUPPORT_SCHEME | CURLU_PATH_AS_IS);
  if (code != CURLUE_OK) return no_url(text, curl_url_strerror(code));
  url found;
  found.scheme = part(parsed.get(), CURLUPART_SCHEME);
  if (found.scheme != "http" && found.scheme != "https") return no_url(text, no_scheme);
  found.host = part(parsed.get(), CURLUPART_HOST);
  if (found.host.starts_with('[')) found.host = found.host.substr(1, found.host.size() - 2);
  const auto port = part(parsed.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT);
  std::from_chars(port.data(), port.data() + port.size(), found.port);
  if (found.port == 0) return no_url(text, "the port is not from 1 to 65535");
  found.target = part(parsed.get(), CURLUPART_PATH);
  if (const auto query = part(parsed.get(), CURLUPART_QUERY); !query.empty())
    found.target += "?" + query;
  return found;
}

std::string without_secrets(std::string_view url) {
  const auto scheme_end = url.find("://");
  const auto host = scheme_end == url.npos ? 0 : scheme_end + 3;
  const auto path = std::min(url.find_first_of("/?#", host), url.size());
  const auto query = std::min(url.find('?', path), url.size());
  const auto at = url.substr(0, path).rfind('@');
  std::string out{url.substr(0, host)};
  out += at == url.npos || at < host ? std::string{url.substr(host, path - host)}
                                     : fmt::format("***{}", url.substr(at, path - at));
  out += url.substr(path, query - path);
  out += masked_query(url.substr(query));
  std::ranges::replace_if(
      out, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, '?');
  return out;
}

}  // namespace cloudflow::net
