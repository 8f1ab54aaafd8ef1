#pragma once

#include "cloudflow/base/result.hpp"
#include "cloudflow/pubsub/backend.hpp"
#include "cloudflow/runtime/metrics.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

namespace cloudflow::sandbox {

/// Serves the socket of an application that runs, so that commands reach its logs and its status:
/// see socket_log. Every connection is one request, one after the other on a thread of the server's
/// own.
class log_server {
public:
  /// What the application does besides having a log. Called on the server's thread.
  struct application {
    std::function<std::vector<runtime::task_status>()> status;
    /// Copies the embedded log.
    std::function<pubsub::result<void>(const std::filesystem::path& to)> backup;
  };
  /// `log` outlives the server. Errors: the socket cannot be made.
  static result<std::unique_ptr<log_server>> start(const std::filesystem::path& socket,
                                                   pubsub::backend& log, application inside);
  ~log_server();
  log_server(const log_server&) = delete;
  log_server& operator=(const log_server&) = delete;

private:
  class serving;
  explicit log_server(std::unique_ptr<serving> s);
  std::unique_ptr<serving> serving_;
};

}  // namespace cloudflow::sandbox
