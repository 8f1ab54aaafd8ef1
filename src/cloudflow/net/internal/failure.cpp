#include "cloudflow/net/internal/failure.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <system_error>

namespace cloudflow::net::detail {

namespace {

struct meaning {
  CURLcode curl;
  errc code;
};
constexpr auto meanings = std::to_array<meaning>({
    {CURLE_URL_MALFORMAT, errc::invalid_request},
    {CURLE_COULDNT_RESOLVE_PROXY, errc::unresolved},
    {CURLE_COULDNT_RESOLVE_HOST, errc::unresolved},
    {CURLE_COULDNT_CONNECT, errc::unreachable},
    {CURLE_PROXY, errc::proxy_refused},
    {CURLE_OPERATION_TIMEDOUT, errc::connect_timeout},  // the other bounds are not given to libcurl
    {CURLE_SSL_CONNECT_ERROR, errc::tls_failed},
    {CURLE_SSL_CIPHER, errc::tls_failed},
    {CURLE_SSL_CERTPROBLEM, errc::invalid_tls_settings},
    {CURLE_SSL_CACERT_BADFILE, errc::invalid_tls_settings},
    {CURLE_SSL_CLIENTCERT, errc::client_certificate_refused},
    {CURLE_PEER_FAILED_VERIFICATION, errc::certificate_untrusted},
    {CURLE_PARTIAL_FILE, errc::connection_broken},
    {CURLE_GOT_NOTHING, errc::connection_broken},
    {CURLE_SEND_ERROR, errc::connection_broken},
    {CURLE_RECV_ERROR, errc::connection_broken},
    {CURLE_UNSUPPORTED_PROTOCOL,
     errc::malformed_response},  // "HTTP/0.9"; schemes are looked at before
    {CURLE_WEIRD_SERVER_REPLY, errc::malformed_response},
    {CURLE_TOO_MANY_REDIRECTS, errc::malformed_response},
});

bool has(std::string_view text, std::string_view part) { return text.find(part) != text.npos; }

/// What OpenSSL found wrong with the certificate (x509_vfy.h). What is neither ok nor an error is
/// libcurl's own finding: the names.
enum verify_result : long { ok = 0, names_only = 1, not_yet_valid = 9, has_expired = 10 };

std::string names_of_certificate(CURL* easy) {
  const auto* certificates = info_of<curl_certinfo*>(easy, CURLINFO_CERTINFO);
  if (certificates == nullptr || certificates->num_of_certs == 0) return "unknown names";
  constexpr std::string_view names = "X509v3 Subject Alternative Name:", subject = "Subject:";
  std::string of_subject;
  for (const auto* line = certificates->certinfo[0]; line != nullptr; line = line->next) {
    const std::string_view text{line->data};
    if (text.starts_with(names)) return std::string{text.substr(names.size())};
    if (text.starts_with(subject)) of_subject = text.substr(subject.size());
  }
  return of_subject;
}

ending unverified(CURL* easy, std::string text, const prepared_request& request) {
  switch (info_of<long>(easy, CURLINFO_SSL_VERIFYRESULT)) {
    case ok:
    case names_only: {
      const auto& wanted = request.what().tls.server_name;
      return {errc::certificate_name_mismatch,
              fmt::format("expected {}, found {}", wanted.empty() ? request.server().host : wanted,
                          names_of_certificate(easy))};
    }
    case not_yet_valid:
    case has_expired: return {errc::certificate_expired, std::move(text)};
    default: return {errc::certificate_untrusted, std::move(text)};
  }
}

/// Of a connection that ended while libcurl read or wrote, or made the TLS connection. The words
/// are OpenSSL's.
ending cut_off(errc code, const given_up& how) {
  const bool is_about_certificate = has(how.text, "certificate") || has(how.text, "unknown ca") ||
                                    (has(how.text, "handshake failure") && !how.was_sent);
  if (has(how.text, " alert ") && is_about_certificate)
    return {errc::client_certificate_refused, how.text};
  const bool is_cut = has(how.text, "SSL_ERROR_SYSCALL") || has(how.text, "unexpected eof") ||
                      has(how.text, "reset by peer");
  if (has(how.text, "chunked-encoding")) return {errc::malformed_response, how.text};
  if (code == errc::tls_failed) return {is_cut ? errc::unreachable : code, how.text};
  return {how.was_sent ? code : errc::unreachable, how.text};
}

ending refused_by_proxy(long status) {
  constexpr long credentials_wanted = 407, server_error = 500;
  const auto detail =
      fmt::format("it answers CONNECT with {}{}", status,
                  status == credentials_wanted ? ", it wants (other) credentials" : "");
  return {status >= server_error ? errc::unreachable : errc::proxy_refused, detail};
}

std::string_view next_step(errc code) {
  switch (code) {
    case errc::unresolved: return "check the name, and the DNS of this machine";
    case errc::unreachable: return "does it run there, and do firewalls let this machine through?";
    case errc::proxy_refused: return "check the proxy's URL, credentials and rules";
    case errc::certificate_untrusted:
      return "give the certificate of its authority, if you know who that is";
    case errc::certificate_expired: return "the server needs another one; or a clock is wrong";
    case errc::certificate_name_mismatch:
      return "use one of the names it has, or give that as the server name";
    case errc::client_certificate_refused:
      return "give a certificate and key that the server's authority has signed";
    case errc::tls_failed: return "does that port speak TLS 1.2 or newer?";
    case errc::response_too_large: return "ask for less at once, or raise the limit";
    case errc::invalid_request:
    case errc::invalid_tls_settings:
    case errc::connect_timeout:
    case errc::total_timeout:
    case errc::idle_timeout:
    case errc::connection_broken:
    case errc::malformed_response:
    case errc::cancelled:
    case errc::failed: return {};
  }
  return {};
}

std::string_view sentence(errc code) {
  switch (code) {
    case errc::invalid_request: return "the request cannot be sent";
    case errc::invalid_tls_settings: return "the TLS settings cannot be used";
    case errc::unresolved: return "the name has no address";
    case errc::unreachable: return "the server cannot be reached";
    case errc::proxy_refused: return "the proxy refuses";
    case errc::certificate_untrusted:
      return "the server's certificate is signed by nobody who is trusted here";
    case errc::certificate_expired: return "the server's certificate is not valid at this time";
    case errc::certificate_name_mismatch: return "the server's certificate is for another name";
    case errc::client_certificate_refused:
      return "the server wants a certificate of the client, or does not accept this one";
    case errc::tls_failed: return "no TLS connection can be made";
    case errc::connect_timeout: return "connecting took too long";
    case errc::total_timeout: return "the response took too long";
    case errc::idle_timeout: return "nothing was sent any more";
    case errc::connection_broken: return "the connection ended before the response was complete";
    case errc::malformed_response: return "the response cannot be read";
    case errc::response_too_large: return "the response is too large";
    case errc::cancelled: return "cancelled";
    case errc::failed: return "the request failed";
  }
  return {};
}

}  // namespace

ending ending_of(const given_up& how, CURL* easy, const prepared_request& request) {
  constexpr long first_refusal = 300;
  if (const auto status = info_of<long>(easy, CURLINFO_HTTP_CONNECTCODE);
      status >= first_refusal && !how.was_sent)
    return refused_by_proxy(status);
  // What its buffer for a line cannot take, 100 KiB, is an end of memory to libcurl.
  if (how.code == CURLE_OUT_OF_MEMORY && how.was_sent && !how.has_head)
    return {errc::response_too_large, "a header is longer than libcurl takes"};
  const auto* found = std::ranges::find(meanings, how.code, &meaning::curl);
  if (found == meanings.end()) return {errc::failed, how.text};
  switch (how.code) {
    case CURLE_PEER_FAILED_VERIFICATION: return unverified(easy, how.text, request);
    case CURLE_COULDNT_CONNECT: {
      const auto os_error = info_of<long>(easy, CURLINFO_OS_ERRNO);
      if (os_error == 0) return {found->code, how.text};
      return {found->code, std::generic_category().message(static_cast<int>(os_error))};
    }
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR: return cut_off(found->code, how);
    default: return {found->code, how.text};
  }
}

error error_of(const ending& why, const request& what, const chosen_proxy& proxy) {
  auto message = fmt::format("{} {}", what.method, without_secrets(what.url));
  if (!proxy.url.empty())
    message += fmt::format(" through the proxy {}{}{}", without_secrets(proxy.url),
                           proxy.origin.empty() ? "" : " of ", proxy.origin);
  message += fmt::format(": {}", sentence(why.code));
  if (!why.detail.empty()) message += fmt::format(": {}", why.detail);
  if (const auto next = next_step(why.code); !next.empty()) message += fmt::format("; {}", next);
  return {why.code, std::move(message)};
}

}  // namespace cloudflow::net::detail
