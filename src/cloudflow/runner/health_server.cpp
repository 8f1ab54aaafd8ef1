#include "cloudflow/runner/health_server.hpp"

#include "cloudflow/runtime/metrics.hpp"

namespace cloudflow::runner {

namespace {

using connect::http_request, connect::http_response, connect::make_http_handler,
    connect::text_response;

constexpr int ok = 200, unavailable = 503;
constexpr auto nothing_yet = "not started yet";

http_response live(const streamlet_runner* running) {
  const auto why_not = running != nullptr ? running->why_not_live() : std::string{};
  return why_not.empty() ? text_response(ok, "live") : text_response(unavailable, why_not);
}

http_response ready(const streamlet_runner* running) {
  const auto why_not = running != nullptr ? running->why_not_ready() : nothing_yet;
  return why_not.empty() ? text_response(ok, "ready") : text_response(unavailable, why_not);
}

http_response metrics(const streamlet_runner* running, const std::string& app_id) {
  const auto now = running != nullptr ? running->status() : runner_status{};
  if (now.workers.empty()) return text_response(unavailable, nothing_yet);
  return text_response(ok, runtime::to_prometheus(app_id, now.tasks, now.workers));
}

}  // namespace

result<std::unique_ptr<connect::http_server>> serve_health(
    const health_endpoint& at, const std::string& app_id,
    std::function<const streamlet_runner*()> running, const logger& log_lines) {
  std::vector<connect::http_route> routes{
      {"GET", "/live",
       make_http_handler([running](const http_request&) { return live(running()); })},
      {"GET", "/ready",
       make_http_handler([running](const http_request&) { return ready(running()); })},
      {"GET", "/metrics", make_http_handler([running, app_id](const http_request&) {
         return metrics(running(), app_id);
       })}};
  connect::http_server_options how;
  how.address = at.address;
  how.port = at.port;
  auto server = connect::http_server::open(how, routes, log_lines);
  if (!server && at.port != 0 && !at.is_wanted) {
    log_lines.warn("{}; metrics are served at another port", server.error().message);
    how.port = 0;
    server = connect::http_server::open(how, std::move(routes), log_lines);
  }
  if (!server) return std::move(server).error();
  (*server)->start();
  return server;
}

}  // namespace cloudflow::runner
