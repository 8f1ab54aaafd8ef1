#pragma once

#include "cloudflow/base/result.hpp"

#include <string>
#include <utility>

namespace cloudflow::net {

/// Why a request has no response; way_on_after() says what can be done about it. A status of HTTP
/// is a response and no error.
enum class errc {
  invalid_request,       ///< URL, method or a header cannot be sent as it is
  invalid_tls_settings,  ///< a certificate or key cannot be read, or they do not fit together
  unresolved,            ///< the name of the server, or of the proxy, has no address
  unreachable,           ///< nobody listens there, no route, or cut off before the request was sent
  proxy_refused,         ///< the proxy wants other credentials, or does not connect to this server
  certificate_untrusted,       ///< the server's is signed by nobody who is trusted
  certificate_expired,         ///< the server's is over, or not valid yet
  certificate_name_mismatch,   ///< the server's is for other names
  client_certificate_refused,  ///< the server wants one, or does not accept ours
  tls_failed,                  ///< no common version, no TLS at that port, ...
  connect_timeout,             ///< name, connection and TLS took longer than timeouts::connect
  total_timeout,               ///< all of it took longer than timeouts::total
  idle_timeout,                ///< no byte came or went for timeouts::idle
  connection_broken,           ///< ended before the response was complete
  malformed_response,          ///< what came is not HTTP, or one redirect after another
  response_too_large,          ///< beyond limits
  cancelled,                   ///< by the stop token
  failed,                      ///< something else; the message says all that there is
};

/// What can be done about an error.
struct way_on {
  bool is_retriable = false;  ///< the same request may succeed later, unchanged
  /// The server may have got the request and may have acted on it: what is not idempotent is not
  /// simply sent again.
  bool may_have_arrived = false;

  bool operator==(const way_on&) const = default;
};

constexpr way_on way_on_after(errc code) noexcept {
  switch (code) {
    case errc::invalid_request:
    case errc::invalid_tls_settings:
    case errc::proxy_refused:
    case errc::certificate_untrusted:
    case errc::certificate_expired:
    case errc::certificate_name_mismatch:
    case errc::client_certificate_refused:
    case errc::tls_failed: return {};
    case errc::unresolved:
    case errc::unreachable:
    case errc::connect_timeout: return {.is_retriable = true};
    case errc::total_timeout:
    case errc::idle_timeout:
    case errc::connection_broken: return {.is_retriable = true, .may_have_arrived = true};
    case errc::malformed_response:
    case errc::response_too_large:
    case errc::cancelled:
    case errc::failed: return {.may_have_arrived = true};
  }
  return {};  // no code of ours
}

/// Why there is no response. The message names method and URL without their secrets, what was
/// expected and found, and the next step.
struct error {
  errc code = errc::failed;
  std::string message;

  bool is_retriable() const noexcept { return way_on_after(code).is_retriable; }
  bool may_have_arrived() const noexcept { return way_on_after(code).may_have_arrived; }
};

/// For callers that only say it, or try again.
inline cloudflow::error plain(error e) {
  return {.message = std::move(e.message), .is_retriable = e.is_retriable()};
}

template <class T>
using result = cloudflow::result<T, error>;

}  // namespace cloudflow::net
