#include "cloudflow/sandbox/run.hpp"

#include "cloudflow/blueprint/graph.hpp"
#include "cloudflow/connect/http/server.hpp"
#include "cloudflow/pubsub/embedded/log.hpp"
#include "cloudflow/runtime/crash_note.hpp"
#include "cloudflow/runtime/threads.hpp"
#include "cloudflow/sandbox/local_access.hpp"
#include "cloudflow/sandbox/process.hpp"
#include "cloudflow/sandbox/remote_access.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <csignal>
#include <map>
#include <mutex>
#include <thread>

namespace cloudflow::sandbox {

namespace {

using namespace std::chrono_literals;

constexpr auto look_every = 10ms;
constexpr auto maintain_every = 60s;
/// A task that has failed this often in a run that should end by itself will not get better.
constexpr std::uint64_t hopeless_after = 6;
/// A worker that has not come round for so long hangs: `/live` says so.
constexpr auto live_within = 30s;

volatile std::sig_atomic_t stop_signal = 0;
void on_stop(int number) { stop_signal = number; }

/// `CLOUDFLOW_HTTP_INGRESS` for `http-ingress`: where a feeding command finds the server.
std::string variable_of(const std::string& streamlet) {
  std::string name = "CLOUDFLOW_";
  for (const char c : streamlet)
    name += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

/// One run of the child, from opening the log to closing it.
class session {
public:
  session(const project& app, const run_options& options)
    : app_(&app),
      options_(&options),
      state_{options.state},
      log_lines_(make_console_sink(log_level_of(options.log_level, log_level::info)), "sandbox") {}

  int run() {
    if (auto done = prepare(); !done) {
      fmt::print(stderr, "{}\n", done.error().message);
      return 1;
    }
    print_overview();
    const runtime::worker_threads threads{*runtime_};
    const int code = watch();
    if (stop_signal != 0) log_lines_.info("stopping: what has been processed is committed");
    return code;
  }

private:
  // -- start ---

  result<void> prepare() {
    auto plan = app_->make_plan(options_->configuration, options_->state.string(), true);
    if (!plan) return std::move(plan).error();
    plan_ = std::move(plan->plan);
    std::error_code failed;
    std::filesystem::create_directories(state_.root, failed);
    if (failed)
      return error{
          fmt::format("{}: cannot be created: {}", state_.root.string(), failed.message())};
    runtime::crash_note::install(state_.crash_note().string());
    if (auto done = open_log(); !done) return done;
    if (auto done = start_runtime(); !done) return done;
    auto server =
        access_server::start(state_.socket(), [this] { return make_local_access(*log_); });
    if (!server) return std::move(server).error();
    access_ = std::move(server).value();
    return start_metrics();
  }

  result<void> open_log() {
    pubsub::embedded::options how;
    how.directory = state_.log();
    how.disk_bound = options_->disk_bound;
    auto log = pubsub::embedded::open(how, clock_);
    if (!log) return error{log.error().message};
    log_ = std::move(log).value();
    for (const auto& t : plan_.topics) {
      const pubsub::topic_spec spec{t.name, t.partitions, t.properties, {}};
      for (const auto& sentence : pubsub::embedded::limitations(spec))
        log_lines_.warn("topic {}: {}", t.name, sentence);
    }
    return {};
  }

  result<void> start_runtime() {
    runtime::runtime_options how;
    const auto cores = std::max(1u, std::thread::hardware_concurrency());
    how.workers = options_->workers != 0 ? options_->workers : std::min<std::size_t>(cores, 4);
    auto started = runtime::native_runtime::create(
        plan_,
        {.log = log_.get(),
         .time = &clock_,
         .log_lines = log_lines_,
         .definition_of = [this](const std::string& name) { return app_->definition_of(name); },
         .endpoint_of = [this](const std::string& streamlet) { return endpoint_of(streamlet); },
         .on_listening = [this](const std::string& streamlet,
                                std::string_view url) { note_url(streamlet, url); }},
        how);
    if (!started) return std::move(started).error();
    runtime_ = std::move(started).value();
    return {};
  }

  server_endpoint endpoint_of(const std::string& streamlet) const {
    if (options_->first_port == 0) return {};
    auto port = options_->first_port;
    for (const auto& s : plan_.streamlets) {
      if (s.name == streamlet) break;
      if (s.has_server) ++port;
    }
    return {.address = "127.0.0.1", .port = port};
  }

  /// Called on a worker's thread when a server listens.
  void note_url(const std::string& streamlet, std::string_view url) {
    log_lines_.info("{} listens at {}", streamlet, url);
    const std::lock_guard lock{urls_mutex_};
    urls_[streamlet] = url;
  }

  result<void> start_metrics() {
    using connect::http_request, connect::make_http_handler, connect::text_response;
    std::vector<connect::http_route> routes{
        {"GET", "/live", make_http_handler([this](const http_request&) {
           return is_live() ? text_response(200, "live") : text_response(503, "a worker hangs");
         })},
        {"GET", "/ready", make_http_handler([this](const http_request&) {
           return runtime_->is_ready() ? text_response(200, "ready")
                                       : text_response(503, "not all streamlets run");
         })},
        {"GET", "/metrics", make_http_handler([this](const http_request&) {
           return text_response(200, runtime::to_prometheus(plan_.app_id, runtime_->status(),
                                                                   runtime_->worker_statuses()));
         })}};
    connect::http_server_options how;
    how.address = "127.0.0.1";
    how.port = options_->metrics_port;
    auto server = connect::http_server::open(how, routes, log_lines_);
    if (!server && how.port != 0) {
      log_lines_.warn("{}; metrics are served at another port", server.error().message);
      how.port = 0;
      server = connect::http_server::open(how, std::move(routes), log_lines_);
    }
    if (!server) return std::move(server).error();
    metrics_ = std::move(server).value();
    metrics_->start();
    return {};
  }

  bool is_live() const {
    const auto now = clock_.monotonic();
    return std::all_of(runtime_->workers().begin(), runtime_->workers().end(),
                       [now](const auto& w) { return now - w->last_step() < live_within; });
  }

  void print_overview() {
    fmt::print(stderr, "{}\n", blueprint::draw(plan_));
    fmt::print(stderr, "state    {}\nmetrics  http://127.0.0.1:{}/metrics\n\n",
               state_.root.string(), metrics_->port());
  }

  // -- run ---

  /// Until a signal, or the end of the input. Returns the exit code.
  int watch() {
    auto next_maintenance = std::chrono::steady_clock::now() + maintain_every;
    while (stop_signal == 0) {
      if (const auto code = look_at_feed()) return *code;
      if (options_->is_until_idle && has_input_ended()) {
        if (runtime_->advance_to_end()) return 0;
        if (const auto why = hopeless(); !why.empty()) {
          fmt::print(stderr, "cannot come to an end: {}\n", why);
          return 1;
        }
      }
      if (std::chrono::steady_clock::now() >= next_maintenance) {
        if (const auto done = log_->maintain(); !done)
          log_lines_.warn("retention: {}", done.error().message);
        next_maintenance = std::chrono::steady_clock::now() + maintain_every;
      }
      std::this_thread::sleep_for(look_every);
    }
    return 0;
  }

  bool has_input_ended() const { return options_->feed.empty() || is_fed_; }

  /// Starts the feeding command when everything listens, and notes its end. Returns an exit code when it failed.
  std::optional<int> look_at_feed() {
    if (options_->feed.empty() || is_fed_) return {};
    if (!feeder_) {
      auto urls = urls_when_ready();
      if (!urls) return {};
      auto started = process::start({"/bin/sh", "-c", options_->feed}, *urls);
      if (!started) {
        fmt::print(stderr, "{}\n", started.error().message);
        return 1;
      }
      feeder_.emplace(std::move(started).value());
    }
    const auto ended = feeder_->poll();
    if (!ended) return {};
    if (!ended->is_success()) {
      fmt::print(stderr, "the feeding command ended with {}: {}\n", to_string(*ended),
                 options_->feed);
      return 1;
    }
    is_fed_ = true;
    return {};
  }

  /// Environment variables with the addresses; none until all servers listen and all streamlets run.
  std::optional<std::map<std::string, std::string>> urls_when_ready() {
    if (!runtime_->is_ready()) return {};
    const std::lock_guard lock{urls_mutex_};
    std::map<std::string, std::string> variables;
    for (const auto& s : plan_.streamlets) {
      if (!s.has_server) continue;
      const auto url = urls_.find(s.name);
      if (url == urls_.end()) return {};
      variables[variable_of(s.name)] = url->second;
    }
    return variables;
  }

  std::string hopeless() const {
    for (const auto& t : runtime_->status())
      if (!t.is_running && t.restarts >= hopeless_after)
        return fmt::format("streamlet {}, partition {} failed {} times: {}", t.streamlet,
                           t.partition, t.restarts, t.failure);
    return {};
  }

  const project* app_;
  const run_options* options_;
  state_layout state_;
  logger log_lines_;
  system_clock clock_;
  blueprint::plan plan_;
  std::mutex urls_mutex_;  // guards urls_
  std::map<std::string, std::string> urls_;
  std::optional<process> feeder_;
  bool is_fed_ = false;
  std::unique_ptr<pubsub::embedded::log> log_;
  std::unique_ptr<runtime::native_runtime> runtime_;
  std::unique_ptr<access_server> access_;
  std::unique_ptr<connect::http_server> metrics_;
};

}  // namespace

int run(const project& app, const run_options& options) {
  struct sigaction action {};
  action.sa_handler = on_stop;
  for (const int number : {SIGINT, SIGTERM}) ::sigaction(number, &action, nullptr);
  return session{app, options}.run();
}

}  // namespace cloudflow::sandbox
