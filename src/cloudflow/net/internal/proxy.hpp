#pragma once

#include "cloudflow/net/request.hpp"
#include "cloudflow/net/url.hpp"

#include <functional>
#include <optional>
#include <string>

namespace cloudflow::net::detail {

/// The value of a variable of the environment, or nothing.
using environment = std::function<std::optional<std::string>(const char* name)>;
std::optional<std::string> process_environment(const char* name);

/// The proxy through which a server is reached, and where that was said; no URL: none.
struct chosen_proxy {
  std::string url;
  std::string origin;  ///< for messages: `HTTPS_PROXY`, or empty
};

/// Chosen here and not by libcurl, which would compare NO_PROXY with tls_settings::server_name.
/// `invalid_request` for a proxy whose URL cannot be used.
result<chosen_proxy> choose_proxy(const proxy_choice& wanted, const url& server,
                                  const environment& variable);

/// Whether a host is in a list as that of NO_PROXY.
bool is_in_no_proxy(std::string_view host, std::string_view list);

}  // namespace cloudflow::net::detail
