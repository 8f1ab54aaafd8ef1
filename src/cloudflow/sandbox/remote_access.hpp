#pragma once

#include "cloudflow/sandbox/access.hpp"

#include <filesystem>

namespace cloudflow::sandbox {

/// Over the socket of the process that has the log open. None when nobody listens there.
std::unique_ptr<log_access> connect_access(const std::filesystem::path& socket);

/// Serves the socket of a running sandbox: every connection is one request, answered from `access`, on a thread of
/// its own. Lines of JSON: the request, then records or topics, then `{"done": ...}` or `{"error": "..."}`.
class access_server {
public:
  /// `make` opens an access for a connection; it is called on the server's thread. Errors: the socket cannot be made.
  static result<std::unique_ptr<access_server>> start(
      const std::filesystem::path& socket, std::function<std::unique_ptr<log_access>()> make);
  ~access_server();
  access_server(const access_server&) = delete;
  access_server& operator=(const access_server&) = delete;

private:
  struct state;
  explicit access_server(std::unique_ptr<state> s);
  std::unique_ptr<state> state_;
};

}  // namespace cloudflow::sandbox
