#include "cloudflow/sandbox/run.hpp"

#include "cloudflow/blueprint/graph.hpp"
#include "cloudflow/operate/balances.hpp"
#include "cloudflow/runner/host.hpp"
#include "cloudflow/runner/stop_signal.hpp"
#include "cloudflow/sandbox/feed.hpp"
#include "cloudflow/sandbox/instance_directory.hpp"
#include "cloudflow/sandbox/log_server.hpp"
#include "cloudflow/sandbox/print.hpp"
#include "cloudflow/sandbox/socket.hpp"
#include "cloudflow/streamlet/program_facts.hpp"

#include <fmt/format.h>

#include <cctype>
#include <charconv>
#include <csignal>
#include <map>
#include <mutex>
#include <thread>

namespace cloudflow::sandbox {

namespace {

using namespace std::chrono_literals;

constexpr auto run_looks_every = 10ms;

/// `CLOUDFLOW_HTTP_INGRESS` for `http-ingress`: where a feeding command finds the server.
std::string variable_of(const std::string& streamlet) {
  std::string name = "CLOUDFLOW_";
  for (const char c : streamlet)
    name += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

/// Of a URL that a server of ours has said, `http://127.0.0.1:40312`; port 0 where it is none.
server_endpoint endpoint_in(std::string_view url) {
  constexpr std::string_view scheme = "http://";
  const auto colon = url.rfind(':');
  server_endpoint found;
  if (!url.starts_with(scheme) || colon < scheme.size()) return found;
  const auto port = url.substr(colon + 1);
  std::from_chars(port.data(), port.data() + port.size(), found.port);
  found.address = url.substr(scheme.size(), colon - scheme.size());
  return found;
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
      if (runner::stop_signal() != 0) return interrupted();
      say("{}\n", done.error().message);
      return 1;
    }
    const int code = watch();
    if (runner::stop_signal() != 0)
      log_lines_.info("stopping: what has been processed is committed");
    host_->stop(code == 0 || runner::stop_signal() != 0);
    return code;
  }

private:
  // -- start ---

  result<void> prepare() {
    auto plan =
        CLOUDFLOW_TRY(app_->make_plan(options_->configuration, options_->state.string(), true));
    plan_ = std::move(plan.plan);
    secrets_ = std::move(plan.secrets);
    if (!options_->streamlet.empty()) {
      say("{}", plan.warnings);  // the parent of others has said them
      CLOUDFLOW_TRY(take_part());
    }
    if (!options_->feed.empty()) earlier_addresses_ = earlier_addresses(state_);
    CLOUDFLOW_TRY(expect_free_ports());
    CLOUDFLOW_TRY(make_private_directory(state_.root));
    host_ = CLOUDFLOW_TRY(runner::host::open(plan_, secrets_, host_options(), surroundings()));
    CLOUDFLOW_TRY(host_->start());
    server_ = CLOUDFLOW_TRY(
        log_server::start(state_.socket(), host_->log(),
                          {.status = [this] { return host_->streamlets().status().tasks; },
                           .backup = [this](const auto& to) { return backup(to); }}));
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
      if (t.cluster_key.empty())
        return error{fmt::format(
            "streamlet {}: topic {} is on no Kafka cluster, and processes share nothing else. "
            "Say --kafka HOST:PORT, or configure cloudflow.kafka.clusters.default.",
            name, t.id)};
    auto taken =
        CLOUDFLOW_TRY(instance_directory::take(state_.streamlets() / name, options_->ordinal));
    instance_directory_.emplace(std::move(taken));
    state_.root = instance_directory_->directory();
    return instance_directory_->number() == 0 ? result<void>{} : expect_divisible();
  }

  /// Each of several processes would count for itself, and write over the state of the others.
  result<void> expect_divisible() const {
    const auto facts = CLOUDFLOW_TRY(facts_of_program(
        plan_, secrets_, [this](const std::string& name) { return app_->definition_of(name); }));
    if (auto may = can_be_divided(plan_.streamlets.front(), facts.streamlets.front()); !may)
      return error{fmt::format("streamlet {}: {}", options_->streamlet, may.error().message)};
    return {};
  }

  /// Somebody else may have one for good: no use in trying again and again.
  result<void> expect_free_ports() const {
    for (const auto& s : plan_.streamlets) {
      const auto where = endpoint_of(s.name);
      if (!s.has_server || where.port == 0 || !is_port_taken(where.address, where.port)) continue;
      return error{fmt::format(
          "streamlet {}: port {} is in use by another process. Servers listen from --port on, one "
          "port each: say --port {} or another free one, or --port 0 for any.",
          s.name, where.port, options_->first_port + 100)};
    }
    const auto health = health_of_process();
    if (health.is_wanted && health.port != 0 && is_port_taken(health.address, health.port))
      return error{fmt::format(
          "port {} for metrics is in use by another process: say another one, or --metrics-port 0",
          health.port)};
    return {};
  }

  runner::health_endpoint health_of_process() const {
    return {.port = options_->metrics_port, .is_wanted = options_->must_have_metrics_port};
  }

  runner::host_options host_options() const {
    runner::host_options how{.log = state_.log(),
                             .kafka = state_.kafka(),
                             .crash_note = state_.crash_note(),
                             .crash_history = state_.crash_history(),
                             .disk_bound = options_->disk_bound,
                             .workers = options_->workers,
                             .health = health_of_process(),
                             .open_kafka = app_->info().open_kafka};
    if (instance_directory_)
      how.instance = fmt::format("{}.{}", options_->streamlet, instance_directory_->number());
    return how;
  }

  runner::host_surroundings surroundings() {
    return {.time = &clock_,
            .log_lines = log_lines_,
            .definition_of = [this](const std::string& name) { return app_->definition_of(name); },
            .endpoint_of = [this](const std::string& streamlet) { return endpoint_of(streamlet); },
            .on_listening = [this](const std::string& streamlet,
                                   std::string_view url) { note_url(streamlet, url); },
            .must_stop = [] { return runner::stop_signal() != 0; },
            .on_health = [this](std::uint16_t port) { print_overview(port); }};
  }

  server_endpoint endpoint_of(const std::string& streamlet) const {
    if (options_->first_port == 0) return earlier_endpoint_of(streamlet);
    auto port = options_->first_port;
    for (const auto& s : plan_.streamlets) {
      if (s.name == streamlet) break;
      if (s.has_server) ++port;
    }
    return {.address = "127.0.0.1", .port = port};
  }

  /// With `--port 0`: any port, but after a crash the one that the feed knows, if it is still free.
  server_endpoint earlier_endpoint_of(const std::string& streamlet) const {
    const auto found = earlier_addresses_.find(variable_of(streamlet));
    if (found == earlier_addresses_.end()) return {};
    const auto where = endpoint_in(found->second);
    return where.port == 0 || is_port_taken(where.address, where.port) ? server_endpoint{} : where;
  }

  /// Called on a worker's thread when a server listens.
  void note_url(const std::string& streamlet, std::string_view url) {
    log_lines_.info("{} listens at {}", streamlet, url);
    const std::lock_guard lock{urls_mutex_};
    urls_[streamlet] = url;
  }

  void print_overview(std::uint16_t health_port) const {
    if (!instance_directory_) say("{}\n", blueprint::draw(plan_));
    say("state    {}\nmetrics  http://127.0.0.1:{}/metrics\n\n", state_.root.string(), health_port);
  }

  // -- run ---

  /// Until a signal, or the end of the input. Returns the exit code.
  int watch() {
    while (runner::stop_signal() == 0) {
      if (host_->streamlets().must_end()) {
        log_lines_.error("this process cannot go on, and ends to be started again");
        return runner::starts_again;
      }
      if (const auto code = look_at_feed()) return *code;
      if (options_->is_until_idle && has_input_ended()) {
        if (host_->advance_to_end()) return look_at_balance();
        if (const auto why = has_given_up(); !why.empty()) {
          say("giving up: {}\n", why);
          return 1;
        }
      }
      host_->look();
      std::this_thread::sleep_for(run_looks_every);
    }
    return interrupted();
  }

  /// The exit code after a signal: a run that should end by itself has not done what it should.
  int interrupted() const { return options_->is_until_idle ? 128 + runner::stop_signal() : 0; }

  /// What has come in has gone somewhere. Returns the exit code.
  int look_at_balance() const {
    const auto missing =
        operate::what_is_missing(operate::balances_of(host_->streamlets().status().tasks));
    if (missing.empty()) return 0;
    say("{}", missing);
    return 1;
  }

  pubsub::result<void> backup(const std::filesystem::path& to) const {
    if (const auto* log = host_->embedded()) return log->backup(to);
    return pubsub::error{pubsub::errc::unsupported,
                         "This application has no embedded log: its topics are on Kafka."};
  }

  bool has_input_ended() const { return options_->feed.empty() || has_feed_ended(state_); }

  /// When everything listens, the feed may begin. Returns an exit code when that cannot be said.
  std::optional<int> look_at_feed() {
    if (options_->feed.empty() || may_feed_) return {};
    const auto urls = urls_when_ready();
    if (!urls) return {};
    if (const auto done = let_feed_begin(state_, *urls); !done) {
      say("{}\n", done.error().message);
      return 1;
    }
    may_feed_ = true;
    return {};
  }

  /// Environment variables with the addresses; none until all servers listen and all streamlets
  /// run.
  std::optional<server_addresses> urls_when_ready() {
    if (!host_->streamlets().why_not_ready().empty()) return {};
    const std::lock_guard lock{urls_mutex_};
    server_addresses variables;
    for (const auto& s : plan_.streamlets) {
      if (!s.has_server) continue;
      const auto url = urls_.find(s.name);
      if (url == urls_.end()) return {};
      variables[variable_of(s.name)] = url->second;
    }
    return variables;
  }

  std::string has_given_up() const {
    for (const auto& t : host_->streamlets().status().tasks)
      if (!t.is_running && t.restarts >= app::hopeless_after_failures)
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
  blueprint::secret_texts secrets_;
  std::mutex urls_mutex_;  // guards urls_
  std::map<std::string, std::string> urls_;
  server_addresses earlier_addresses_;
  bool may_feed_ = false;
  std::optional<instance_directory> instance_directory_;
  std::unique_ptr<runner::host> host_;
  std::unique_ptr<log_server> server_;
};

}  // namespace

int run(const project& app, const run_options& options) {
  runner::catch_stop_signals({SIGINT, SIGTERM});
  return session{app, options}.run();
}

}  // namespace cloudflow::sandbox
