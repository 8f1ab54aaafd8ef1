#include "cloudflow/runner/pod.hpp"

#include "cloudflow/application/pod_files.hpp"
#include "cloudflow/base/named_thread.hpp"
#include "cloudflow/runner/host.hpp"
#include "cloudflow/runner/same_program.hpp"
#include "cloudflow/runner/stop_signal.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <fstream>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string_view>
#include <system_error>
#include <thread>

namespace cloudflow::runner {

namespace {

using namespace std::chrono_literals;

constexpr auto looks_every = 50ms;
/// Less than the 30 s that Kubernetes gives a container by default.
constexpr auto stops_within = 25s;

/// One process, from reading its files to its last commit.
class pod {
public:
  pod(const find_definition& definition_of, pubsub::open_cluster open_kafka,
      const pod_options& options)
    : definition_of_(&definition_of),
      open_kafka_(open_kafka),
      options_(&options),
      log_lines_(make_console_sink(options.level), "pod") {}

  int run() {
    if (auto ready = prepare(); !ready)
      return stop_signal() != 0 ? 0 : end(1, ready.error().message);
    while (stop_signal() == 0) {
      if (host_->streamlets().must_end())
        return end(starts_again, "this process cannot go on, and ends to be started again");
      host_->look();
      std::this_thread::sleep_for(looks_every);
    }
    log_lines_.info("stopping: what has been processed is committed");
    const auto deadline = named_thread(
        "deadline", [this](std::stop_token stopped) { end_when_late(std::move(stopped)); });
    host_->stop(true);
    return 0;
  }

private:
  result<void> prepare() {
    configuration_ = CLOUDFLOW_TRY(app::read_pod_configuration(options_->configuration));
    CLOUDFLOW_TRY(expect_own_plan());
    std::error_code failure;
    std::filesystem::create_directories(options_->state, failure);
    if (failure)
      return error{fmt::format("{}: cannot be made: {}. The pod needs a volume there.",
                               options_->state.string(), failure.message())};
    host_ = CLOUDFLOW_TRY(
        host::open(configuration_.plan, configuration_.secrets, options_of_host(), surroundings()));
    return host_->start();
  }

  result<void> expect_own_plan() const {
    const auto& planned = configuration_.plan.streamlets.front();
    const auto* definition = (*definition_of_)(planned.class_name);
    if (definition == nullptr)
      return error{fmt::format(
          "streamlet {}: this program has no class {}. Deploy the image and the custom resource of "
          "the same build.",
          planned.name, planned.class_name)};
    const auto own = CLOUDFLOW_TRY(definition->describe());
    return expect_same_program(planned, own);
  }

  const std::string& streamlet() const { return configuration_.plan.streamlets.front().name; }

  host_options options_of_host() const {
    const auto& state = options_->state;
    return {
        .log = state / "log",
        .kafka = state / "kafka",
        .crash_note = state / "crash-note",
        .crash_history = state / "crash-history",
        .termination_message = options_->termination_message,
        .workers = options_->workers,
        .instance = fmt::format("{}.{}", streamlet(), options_->name),
        .health = {.address = options_->address, .port = options_->health_port, .is_wanted = true},
        .provision = app::provision_mode::compare_only,
        .open_kafka = open_kafka_};
  }

  host_surroundings surroundings() {
    return {
        .time = &clock_,
        .log_lines = log_lines_,
        .definition_of = *definition_of_,
        .endpoint_of =
            [this](const std::string&) {
              return server_endpoint{.address = options_->address, .port = options_->server_port};
            },
        .on_listening =
            [this](const std::string& name, std::string_view url) {
              log_lines_.info("{} listens at {}", name, url);
            },
        .must_stop = [] { return stop_signal() != 0; },
        .on_health =
            [this](std::uint16_t port) {
              log_lines_.info("{}: health at http://{}:{}", streamlet(), options_->address, port);
            }};
  }

  /// Whatever hangs: what is committed is safe, and the next process does the rest.
  void end_when_late(std::stop_token stopped) const {
    std::mutex unused;
    std::unique_lock lock{unused};
    std::condition_variable_any wakes;
    if (wakes.wait_for(lock, stopped, stops_within, [&] { return stopped.stop_requested(); }))
      return;
    ::_exit(end(1, fmt::format("it has not stopped within {} s, and is ended",
                               std::chrono::seconds{stops_within}.count())));
  }

  int end(int code, std::string_view why) const {
    log_lines_.error("{}", why);
    if (!options_->termination_message.empty()) std::ofstream{options_->termination_message} << why;
    return code;
  }

  const find_definition* definition_of_;
  pubsub::open_cluster open_kafka_;
  const pod_options* options_;
  logger log_lines_;
  system_clock clock_;
  app::pod_configuration configuration_;
  std::unique_ptr<host> host_;
};

}  // namespace

int run_pod(const find_definition& definition_of, pubsub::open_cluster open_kafka,
            const pod_options& options) {
  catch_stop_signals({SIGINT, SIGTERM});
  return pod{definition_of, open_kafka, options}.run();
}

}  // namespace cloudflow::runner
