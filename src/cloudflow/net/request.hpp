#pragma once

#include "cloudflow/net/response.hpp"

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <variant>

namespace cloudflow::net {

struct bearer_token {
  std::string token;
  bool operator==(const bearer_token&) const = default;
};
struct basic_credentials {
  std::string user, password;
  bool operator==(const basic_credentials&) const = default;
};
/// What the header Authorization says, if anything. It does not follow a redirect to another host.
using authorization = std::variant<std::monostate, bearer_token, basic_credentials>;

struct pem_text {
  std::string text;
  bool operator==(const pem_text&) const = default;
};
/// Read anew for each request, so that a file that is replaced counts at once.
struct pem_file {
  std::filesystem::path path;
  bool operator==(const pem_file&) const = default;
};
/// Certificates or a key, as PEM.
using pem_source = std::variant<pem_text, pem_file>;

/// Who the client is, for servers that ask for a certificate.
struct client_identity {
  pem_source certificate;  ///< the client's first, then intermediate ones
  pem_source key;          ///< not encrypted
  bool operator==(const client_identity&) const = default;
};

/// How a server is recognised, and who the client is. TLS 1.2 or newer, always.
struct tls_settings {
  /// Who is trusted, and nobody else. Without it: those whom the system trusts.
  std::optional<pem_source> authority{};
  std::optional<client_identity> identity{};
  /// The name that the server is asked for and that its certificate must have; empty: the URL's.
  std::string server_name{};
  /// Anybody between here and the server can read and change everything.
  bool dangerously_accept_any_certificate = false;

  bool operator==(const tls_settings&) const = default;
};

/// How long things may take. None of them is zero or negative.
struct timeouts {
  /// For looking up the name, connecting (to the proxy and through it) and TLS together.
  std::chrono::milliseconds connect{10'000};
  /// For everything, from the call to the last byte. None for a response that goes on, as a watch.
  std::optional<std::chrono::milliseconds> total{60'000};
  /// For any time in which no byte comes or goes once the connection is there. A line of the
  /// response's head counts when it is complete.
  std::optional<std::chrono::milliseconds> idle{};

  bool operator==(const timeouts&) const = default;
};

/// How much of a response is accepted.
struct limits {
  std::size_t header_bytes = 64 * 1024;       ///< status lines and headers together
  std::size_t body_bytes = 64 * 1024 * 1024;  ///< of a body that is kept; a streamed one has none

  bool operator==(const limits&) const = default;
};

/// HTTPS_PROXY, https_proxy or http_proxy by the URL's scheme, else ALL_PROXY; none for the hosts
/// of NO_PROXY (names with their subdomains, addresses, networks such as 10.0.0.0/8, `*`). The
/// names in lower case come first. HTTP_PROXY is not read: in CGI it is a header of a request.
struct proxy_from_environment {
  bool operator==(const proxy_from_environment&) const = default;
};
struct no_proxy {
  bool operator==(const no_proxy&) const = default;
};
/// `http://user:password@host:port`; also https, socks5 and socks5h (the proxy resolves names).
struct proxy_at {
  std::string url;
  bool operator==(const proxy_at&) const = default;
};
using proxy_choice = std::variant<proxy_from_environment, no_proxy, proxy_at>;

/// One request. A value; owns everything that it holds.
struct request {
  std::string method = "GET";  ///< in upper case
  std::string url{};           ///< http or https; with what has to be percent-encoded encoded
  header_list headers{};
  std::string
      body{};  ///< any bytes; Content-Type is among the headers, Content-Length comes by itself
  net::authorization authorization{};
  net::timeouts timeouts{};
  net::limits limits{};
  tls_settings tls{};
  proxy_choice proxy{};
  /// Up to 10 of them, of GET and HEAD only, and not from https to http.
  bool follows_redirects = false;

  bool operator==(const request&) const = default;
};

}  // namespace cloudflow::net
