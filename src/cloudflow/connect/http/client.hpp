#pragma once

#include "cloudflow/base/result.hpp"
#include "cloudflow/connect/http/message.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace cloudflow::connect {

/// The parts of `http://host:port/path?query`. A value.
struct http_url {
  std::string host;
  std::uint16_t port = 80;
  std::string target = "/";

  /// Fails for other schemes (there is no TLS here) and for what is no URL. `[::1]` loses its
  /// brackets.
  static result<http_url> parse(std::string_view text);
  bool operator==(const http_url&) const = default;
};

enum class http_client_errc {
  unreachable,  ///< not resolved, refused, no route: the request has not arrived
  timeout,
  broken,  ///< the connection ended, or what came is no HTTP: the request may have arrived
};

struct http_client_error {
  http_client_errc code = http_client_errc::broken;
  std::string message;
};

/// Sends one request over a connection of its own and waits for its answer, at most `timeout` (the
/// look-up of the name comes on top). Every status is an answer. Blocks.
result<http_response, http_client_error> send_http(const http_url& url, std::string_view method,
                                                   std::string body, std::string_view content_type,
                                                   std::chrono::milliseconds timeout);

}  // namespace cloudflow::connect
