#include "cloudflow/connect/http/receive.hpp"
#include "cloudflow/streamlet/streamlet.hpp"
#include "log_schemas/log_key.hpp"
#include "streamlets/app_name.hpp"

namespace logproc {

using data::log_key;

/// Takes the keys of new log files: one JSON `LogKey` a request, an array of them, or one a line.
/// Answers 202 once they are durable.
struct http_ingress {
  cloudflow::outlet<log_key> out{"log-key", cloudflow::key(&log_key::app)};
  cloudflow::server_port server{};

  auto logic(const cloudflow::context& ctx) const {
    return cloudflow::http::receive<log_key>(ctx, server)
        .map([](log_key k) {
          if (k.app.empty()) k.app = app_name(k.key);
          return k;
        })
        .to(out);
  }
};

}  // namespace logproc

template const cloudflow::streamlet_definition& cloudflow::definition_of<logproc::http_ingress>();
