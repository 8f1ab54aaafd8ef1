#pragma once

#include "cloudflow/net/internal/handles.hpp"
#include "cloudflow/net/internal/proxy.hpp"
#include "cloudflow/net/request.hpp"
#include "cloudflow/net/url.hpp"

#include <string>

namespace cloudflow::net::detail {

/// A request that has been looked at, with what libcurl borrows while it is under way: it lives,
/// and stays where it is, until the transfer is over. So does the request.
class prepared_request {
public:
  /// `invalid_request` and `invalid_tls_settings`, with what is wrong. Reads the files of
  /// certificates.
  static result<prepared_request> of(const request& what, url server);

  /// The error is `failed`: the library at hand lacks something.
  result<void> apply_to(CURL* easy) const;

  const request& what() const noexcept { return *what_; }
  const url& server() const noexcept { return server_; }
  const chosen_proxy& proxy() const noexcept { return proxy_; }
  /// The client's, as PEM; empty: none.
  const std::string& key() const noexcept { return key_; }
  /// Once more does no harm (RFC 9110, 9.2.2).
  bool is_idempotent() const noexcept;
  bool follows_redirects() const noexcept;

private:
  prepared_request(const request& what, url server) : what_(&what), server_(std::move(server)) {}

  result<void> read_certificates();
  void collect_headers();
  void redirect_to_server_name();
  void set_method(option_setter& set) const;
  void set_tls(option_setter& set) const;
  void set_way(option_setter& set) const;
  void set_authorization(option_setter& set) const;

  const request* what_;
  url server_;
  chosen_proxy proxy_;
  std::string called_url_;  // with tls_settings::server_name as its host
  list_handle headers_, connect_to_;
  std::string authority_, certificate_, key_;
};

}  // namespace cloudflow::net::detail
