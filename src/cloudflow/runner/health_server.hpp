#pragma once

#include "cloudflow/base/log.hpp"
#include "cloudflow/connect/http/server.hpp"
#include "cloudflow/streamlet/streamlet_runner.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace cloudflow::runner {

/// `GET /live`, `/ready` and `/metrics` of a process: 503 with the reason where it is not.
/// `running`: called on the server's thread, which it outlives; null as long as there is nothing.
/// Metrics bear the application's id. Errors: the address cannot be bound, at no port of it.
result<std::unique_ptr<connect::http_server>> serve_health(
    const std::string& address, std::uint16_t port, const std::string& app_id,
    std::function<const streamlet_runner*()> running, const logger& log_lines);

}  // namespace cloudflow::runner
