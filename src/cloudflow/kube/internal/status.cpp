#include "cloudflow/kube/internal/status.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace cloudflow::kube::internal {

namespace {

struct reason_code {
  std::string_view reason;
  errc code;
};
constexpr auto reasons = std::to_array<reason_code>({
    {"BadRequest", errc::bad_request},
    {"Unauthorized", errc::unauthorized},
    {"Forbidden", errc::forbidden},
    {"NotFound", errc::not_found},
    {"AlreadyExists", errc::already_exists},
    {"Conflict", errc::conflict},
    {"Gone", errc::expired},
    {"Expired", errc::expired},
    {"Invalid", errc::invalid},
    {"RequestEntityTooLarge", errc::too_large},
    {"TooManyRequests", errc::too_many_requests},
    {"MethodNotAllowed", errc::unsupported},
    {"NotAcceptable", errc::unsupported},
    {"UnsupportedMediaType", errc::unsupported},
    {"Timeout", errc::timeout},
    {"ServerTimeout", errc::unavailable},  // it has not begun, and says when to come again
    {"InternalError", errc::internal_error},
    {"ServiceUnavailable", errc::unavailable},
});

struct status_code {
  int status;
  errc code;
};
/// Where no reason is given: by what stands between us and the server, for example.
constexpr auto statuses = std::to_array<status_code>({
    {400, errc::bad_request},
    {401, errc::unauthorized},
    {403, errc::forbidden},
    {404, errc::not_found},
    {405, errc::unsupported},
    {406, errc::unsupported},
    {409, errc::conflict},
    {410, errc::expired},
    {413, errc::too_large},
    {415, errc::unsupported},
    {422, errc::invalid},
    {429, errc::too_many_requests},
    {500, errc::internal_error},
    {502, errc::unavailable},
    {503, errc::unavailable},
    {504, errc::timeout},
});

errc code_of(std::string_view reason, int status) {
  if (const auto* found = std::ranges::find(reasons, reason, &reason_code::reason);
      found != reasons.end())
    return found->code;
  const auto* found = std::ranges::find(statuses, status, &status_code::status);
  if (found != statuses.end()) return found->code;
  return status >= 500 ? errc::internal_error : errc::malformed_response;
}

errc code_of(net::errc code) {
  switch (code) {
    case net::errc::invalid_request:
    case net::errc::invalid_tls_settings:
    case net::errc::proxy_refused: return errc::invalid_settings;
    case net::errc::unresolved:
    case net::errc::unreachable:
    case net::errc::connect_timeout: return errc::unreachable;
    case net::errc::certificate_untrusted:
    case net::errc::certificate_expired:
    case net::errc::certificate_name_mismatch:
    case net::errc::client_certificate_refused:
    case net::errc::tls_failed: return errc::untrusted;
    case net::errc::total_timeout:
    case net::errc::idle_timeout:
    case net::errc::connection_broken: return errc::interrupted;
    case net::errc::response_too_large: return errc::too_large;
    case net::errc::malformed_response:
    case net::errc::failed: return errc::malformed_response;
    case net::errc::cancelled: return errc::cancelled;
  }
  return errc::malformed_response;
}

/// The first line of what is no Status, cut, for a message.
std::string excerpt_of(std::string_view body) {
  constexpr std::size_t longest = 200;
  std::string out{body.substr(0, std::min(body.find_first_of("\r\n"), longest))};
  std::ranges::replace_if(
      out, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, '?');
  return out;
}

std::vector<error_cause> causes_of(const object& status) {
  std::vector<error_cause> all;
  for (const auto& one : status.at("/details/causes")) {
    const object cause{one};
    all.push_back({std::string{cause.text("/field")}, std::string{cause.text("/message")}});
  }
  return all;
}

}  // namespace

error error_of(const object& status, int http_status, std::string_view what) {
  error found;
  const auto& said = status.at("/code");
  const int code = said.is_number_integer() ? said.get<int>() : http_status;
  found.code = code_of(status.text("/reason"), code);
  const auto sentence = status.text("/message");
  found.message = sentence.empty() ? fmt::format("{}: status {}", what, code)
                                   : fmt::format("{}: {}", what, sentence);
  found.causes = causes_of(status);
  if (const auto& seconds = status.at("/details/retryAfterSeconds");
      seconds.is_number_integer() && seconds > 0)
    found.retry_after = std::chrono::seconds{seconds.get<int>()};
  return found;
}

error error_of(const net::response& answer, std::string_view what) {
  const object status{nlohmann::json::parse(answer.body, nullptr, false)};
  error found;
  if (status.kind() == "Status") {
    found = error_of(status, answer.status, what);
  } else {
    found.code = code_of({}, answer.status);
    const auto excerpt = excerpt_of(answer.body);
    found.message =
        fmt::format("{}: status {}{}{}", what, answer.status, excerpt.empty() ? "" : ": ", excerpt);
  }
  if (const auto wait = net::retry_after(answer, system_clock{}.now())) found.retry_after = wait;
  return found;
}

error error_of(const net::error& failure, std::string_view what) {
  return {code_of(failure.code), fmt::format("{}: {}", what, failure.message)};
}

}  // namespace cloudflow::kube::internal
