#include "cloudflow/operator/run.hpp"

#include "cloudflow/base/base64.hpp"
#include "cloudflow/base/named_thread.hpp"
#include "cloudflow/connect/http/server.hpp"
#include "cloudflow/kube/lease.hpp"
#include "cloudflow/operator/cluster_view.hpp"
#include "cloudflow/operator/reconciler.hpp"
#include "cloudflow/operator/work_queue.hpp"
#include "cloudflow/runner/stop_signal.hpp"

#include <fmt/format.h>

#include <atomic>
#include <csignal>
#include <optional>
#include <thread>

namespace cloudflow::controller {

namespace {

using namespace std::chrono_literals;

constexpr auto first_delay = 500ms, longest_delay = 60'000ms;
/// What nobody tells of: topics, and what others have changed in objects.
constexpr auto look_again_after = 10min;
constexpr auto soon = 1s;
constexpr auto looks_for_signals_every = 50ms;
constexpr const char* lease_name = "cloudflow-operator";
constexpr const char* protocol_secret = "cloudflow-protocol-version";

class process {
public:
  process(const kube::access& cluster, pubsub::open_cluster open_kafka,
          const operator_options& options)
    : options_(options),
      log_(make_console_sink(options.level), "operator"),
      api_(cluster, "cloudflow-operator"),
      view_(api_, {.name_space = options.name_space, .own_namespace = options.own_namespace}, log_,
            [this](const app::app_key& key) { queue_.add(key); }),
      reconciler_(api_, view_, time_, log_,
                  {.resources = options.resources,
                   .provision = [this, open_kafka](const auto& plan, const auto& secrets) {
                     return provision_topics(plan, secrets, open_kafka, time_);
                   }}) {}

  int run() {
    auto served = serve();
    if (!served) {
      log_.error("{}", served.error().message);
      return 1;
    }
    const auto server = std::move(served).value();
    log_.info("{} looks after {}", options_.name,
              options_.name_space.empty() ? "all namespaces" : "namespace " + options_.name_space);
    std::stop_source stop;
    const auto signals = named_thread("signals", [&stop](const std::stop_token& ended) {
      while (!ended.stop_requested() && runner::stop_signal() == 0)
        std::this_thread::sleep_for(looks_for_signals_every);
      stop.request_stop();
    });
    kube::lease lease{api_,
                      {.key = {options_.own_namespace, lease_name},
                       .identity = options_.name,
                       .duration = options_.lease},
                      time_};
    const bool is_lost = kube::lead_while_held(
        lease, {}, log_, stop.get_token(), [this](const std::stop_token& until) { lead(until); });
    if (!is_lost) return 0;
    // What is in memory may be old: a new process begins with what is.
    log_.error("the lease is lost: ends, to be started again");
    return 1;
  }

private:
  result<std::unique_ptr<connect::http_server>> serve() {
    using connect::http_request, connect::make_http_handler, connect::text_response;
    connect::http_server_options how;
    how.address = options_.address;
    how.port = options_.port;
    constexpr int ok = 200, unavailable = 503;
    const auto answer = [](const std::string& why_not) {
      return why_not.empty() ? text_response(ok, "ok") : text_response(unavailable, why_not);
    };
    auto server = connect::http_server::open(
        how,
        {{"GET", "/checks/healthy",
          make_http_handler([answer](const http_request&) { return answer(""); })},
         {"GET", "/checks/ready", make_http_handler([this, answer](const http_request&) {
            return answer(why_not_ready());
          })}},
        log_);
    if (!server) return std::move(server).error();
    (*server)->start();
    return server;
  }

  std::string why_not_ready() const {
    auto failure = view_.failure();
    if (!failure.empty()) return failure;
    return view_.has_synced() ? "" : "has not read all objects yet";
  }

  /// While this process holds the lease.
  void lead(const std::stop_token& stop) {
    while (!view_.has_synced() && !stop.stop_requested()) std::this_thread::sleep_for(10ms);
    write_protocol_version(stop);
    for (const auto& key : view_.all_applications()) queue_.add(key);
    std::vector<std::jthread> workers;
    for (std::size_t i = 0; i != options_.workers; ++i)
      workers.push_back(named_thread(fmt::format("worker-{}", i), [this, stop] { work(stop); }));
  }

  void work(const std::stop_token& stop) {
    while (const auto key = queue_.take(stop)) {
      switch (reconciler_.reconcile(*key, stop)) {
        case reconciler::outcome::done:
          queue_.done(*key);
          if (view_.application(*key) != nullptr) queue_.add_after(*key, look_again_after);
          break;
        case reconciler::outcome::soon:
          queue_.done(*key);
          queue_.add_after(*key, soon);
          break;
        case reconciler::outcome::failed: queue_.failed(*key); break;
      }
    }
  }

  /// By it clients find operators.
  void write_protocol_version(const std::stop_token& stop) {
    const kube::object secret{{{"apiVersion", "v1"},
                               {"kind", "Secret"},
                               {"metadata",
                                {{"name", protocol_secret},
                                 {"namespace", options_.own_namespace},
                                 {"labels", {{protocol_secret, protocol_secret}}}}},
                               {"data", {{"protocol-version", to_base64(protocol_version)}}}}};
    const auto done = api_.apply(kube::secrets, secret,
                                 {.field_manager = app::field_manager, .is_forced = true}, stop);
    if (!done) log_.warn("Secret {}: {}", protocol_secret, done.error().message);
  }

  const operator_options options_;
  const logger log_;
  system_clock time_;
  work_queue<app::app_key> queue_{first_delay, longest_delay};
  kube::client api_;
  cluster_view view_;
  reconciler reconciler_;
};

}  // namespace

int run_operator(const kube::access& cluster, pubsub::open_cluster open_kafka,
                 const operator_options& options) {
  runner::catch_stop_signals({SIGINT, SIGTERM});
  return process{cluster, open_kafka, options}.run();
}

}  // namespace cloudflow::controller
