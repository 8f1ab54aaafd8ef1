#pragma once

#include "cloudflow/base/log.hpp"
#include "cloudflow/connect/http/server.hpp"
#include "cloudflow/streamlet/streamlet_runner.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace cloudflow::runner {

/// Where health is served.
struct health_endpoint {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  ///< 0: any
  bool is_wanted = false;  ///< where the port is taken, no other will do: somebody asks there
};

/// `GET /live`, `/ready` and `/metrics` of a process: 503 with the reason where it is not.
/// `running`: called on the server's thread, which it outlives; null as long as there is nothing.
/// Metrics bear the application's id. Errors: the address cannot be bound, at no port of it that
/// would do.
result<std::unique_ptr<connect::http_server>> serve_health(
    const health_endpoint& at, const std::string& app_id,
    std::function<const streamlet_runner*()> running, const logger& log_lines);

}  // namespace cloudflow::runner
