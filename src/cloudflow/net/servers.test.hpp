/// The servers of testdata/servers.py, for the tests of this module.
#pragma once

#include "cloudflow/net/request.hpp"
#include "cloudflow/net/server_process.test.hpp"

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace cloudflow::net {

/// Started at the first use and ended with the program, in whatever way that ends.
class test_servers : public server_process {
public:
  static const test_servers& running() {
    static const test_servers all;
    return all;
  }

  test_servers() : server_process("src/cloudflow/net/testdata/servers.py") {}

  std::string url(std::string_view server, std::string_view path,
                  std::string_view host = "localhost") const {
    return fmt::format("{}://{}:{}{}", server.starts_with("tls_") ? "https" : "http", host,
                       port(server), path);
  }
  /// A GET that trusts the authority of the tests and uses no proxy.
  request get(std::string_view server, std::string_view path) const {
    return {.url = url(server, path),
            .tls = {.authority = pem_file{file("ca.pem")}},
            .proxy = no_proxy{}};
  }
};

}  // namespace cloudflow::net
