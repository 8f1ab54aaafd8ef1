#include "cloudflow/sandbox/run.hpp"

#include "cloudflow/blueprint/graph.hpp"
#include "cloudflow/connect/http/server.hpp"
#include "cloudflow/runtime/crash_note.hpp"
#include "cloudflow/runtime/threads.hpp"
#include "cloudflow/sandbox/log_server.hpp"
#include "cloudflow/sandbox/logs.hpp"
#include "cloudflow/sandbox/process.hpp"
#include "cloudflow/sandbox/slot.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
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
constexpr std::chrono::milliseconds start_again_after = 1s, start_again_at_last = 30s;

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
      if (stop_signal != 0) return 0;
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
    if (!options_->streamlet.empty()) {
      if (auto done = take_part(); !done) return done;
    }
    std::error_code failed;
    std::filesystem::create_directories(state_.root, failed);
    if (failed)
      return error{
          fmt::format("{}: cannot be created: {}", state_.root.string(), failed.message())};
    runtime::crash_note::install(state_.crash_note().string());
    if (auto done = start_metrics(); !done) return done;
    if (auto done = open_logs(); !done) return done;
    if (auto done = start_runtime(); !done) return done;
    auto server =
        log_server::start(state_.socket(), logs_->all(), [this] { return runtime_->status(); });
    if (!server) return std::move(server).error();
    server_ = std::move(server).value();
    return {};
  }

  /// This process runs one streamlet, and others may do so too.
  result<void> take_part() {
    const auto& name = options_->streamlet;
    if (plan_.find_streamlet(name) == nullptr) {
      std::vector<std::string> names;
      for (const auto& s : plan_.streamlets) names.push_back(s.name);
      return error{fmt::format("there is no streamlet {}; the blueprint has {}", name,
                               fmt::join(names, ", "))};
    }
    plan_ = blueprint::part_of(plan_, name);
    for (const auto& t : plan_.topics)
      if (t.place.empty())
        return error{fmt::format(
            "streamlet {}: topic {} is on no Kafka cluster, and processes share nothing else. "
            "Say --kafka HOST:PORT, or configure cloudflow.kafka.clusters.default.",
            name, t.id)};
    auto taken = slot::take(state_.streamlets() / name, options_->ordinal);
    if (!taken) return std::move(taken).error();
    slot_.emplace(std::move(taken).value());
    state_.root = slot_->directory();
    return {};
  }

  result<void> open_logs() {
    auto opened = logs::open(plan_,
                             {.embedded = state_.log(),
                              .kafka = state_.kafka(),
                              .disk_bound = options_->disk_bound,
                              .log_lines = log_lines_,
                              .must_stop = [] { return stop_signal != 0; }},
                             clock_);
    if (!opened) return error{std::move(opened).error().message};
    logs_ = std::move(opened).value();
    for (const auto& t : plan_.topics) {
      if (!t.place.empty()) continue;
      const pubsub::topic_spec spec{t.name, t.partitions, t.properties, {}};
      for (const auto& sentence : pubsub::embedded::limitations(spec))
        log_lines_.warn("topic {}: {}", t.name, sentence);
    }
    return {};
  }

  /// What a cluster lacks may come: a topic that others make, a right, a broker.
  result<void> start_runtime() {
    const bool may_get_better = std::any_of(plan_.topics.begin(), plan_.topics.end(),
                                            [](const auto& t) { return !t.place.empty(); });
    std::string said;
    for (auto pause = start_again_after;; pause = std::min(2 * pause, start_again_at_last)) {
      auto started = create_runtime();
      if (started) {
        runtime_ = std::move(started).value();
        is_started_.store(true, std::memory_order_release);
        return {};
      }
      if (!may_get_better) return std::move(started).error();
      if (started.error().message != said)
        log_lines_.error("{}; tries again until it works", started.error().message);
      said = started.error().message;
      const auto until = std::chrono::steady_clock::now() + pause;
      while (stop_signal == 0 && std::chrono::steady_clock::now() < until)
        std::this_thread::sleep_for(look_every);
      if (stop_signal != 0) return std::move(started).error();
    }
  }

  result<std::unique_ptr<runtime::native_runtime>> create_runtime() {
    runtime::runtime_options how;
    const auto cores = std::max(1u, std::thread::hardware_concurrency());
    how.workers = options_->workers != 0 ? options_->workers : std::min<std::size_t>(cores, 4);
    if (slot_) how.instance = fmt::format("{}.{}", options_->streamlet, slot_->number());
    return runtime::native_runtime::create(
        plan_,
        {.log = &logs_->all(),
         .time = &clock_,
         .log_lines = log_lines_,
         .definition_of = [this](const std::string& name) { return app_->definition_of(name); },
         .endpoint_of = [this](const std::string& streamlet) { return endpoint_of(streamlet); },
         .on_listening = [this](const std::string& streamlet,
                                std::string_view url) { note_url(streamlet, url); }},
        how);
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
           return is_started() && runtime_->is_ready()
                      ? text_response(200, "ready")
                      : text_response(503, "not all streamlets run");
         })},
        {"GET", "/metrics", make_http_handler([this](const http_request&) {
           if (!is_started()) return text_response(503, "not started yet");
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

  /// The server of metrics is there before the runtime: a pod that waits for its cluster lives.
  bool is_started() const { return is_started_.load(std::memory_order_acquire); }
  bool is_live() const {
    if (!is_started()) return true;
    const auto now = clock_.monotonic();
    return std::all_of(runtime_->workers().begin(), runtime_->workers().end(),
                       [now](const auto& w) { return now - w->last_step() < live_within; });
  }

  void print_overview() {
    if (!slot_) fmt::print(stderr, "{}\n", blueprint::draw(plan_));
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
        if (auto* log = logs_->embedded())
          if (const auto done = log->maintain(); !done)
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
  std::optional<slot> slot_;
  std::unique_ptr<logs> logs_;
  std::unique_ptr<runtime::native_runtime> runtime_;
  std::atomic<bool> is_started_{false};
  std::unique_ptr<log_server> server_;
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
