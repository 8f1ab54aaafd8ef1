#include "cloudflow/runner/host.hpp"

#include "cloudflow/runner/health_server.hpp"
#include "cloudflow/runner/waiting.hpp"
#include "cloudflow/runtime/crash_note.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

namespace cloudflow::runner {

namespace {

using namespace std::chrono_literals;

constexpr auto maintain_every = 60s;
constexpr std::chrono::milliseconds start_again_after = 1s, start_again_at_last = 30s;

/// Empty: there is no such file.
std::string content_of(const std::filesystem::path& path) {
  std::ifstream in{path};
  return {std::istreambuf_iterator<char>{in}, {}};
}

}  // namespace

host::host(const blueprint::plan& plan, const blueprint::secret_texts& secrets,
           host_options options, host_surroundings around)
  : plan_(&plan),
    secrets_(&secrets),
    options_(std::move(options)),
    around_(std::move(around)),
    next_maintenance_(std::chrono::steady_clock::now() + maintain_every) {}

result<std::unique_ptr<host>> host::open(const blueprint::plan& plan,
                                         const blueprint::secret_texts& secrets,
                                         host_options options, host_surroundings around) {
  std::unique_ptr<host> h{new host(plan, secrets, std::move(options), std::move(around))};
  auto crashes = CLOUDFLOW_TRY(h->learn_of_crashes());
  h->health_ = CLOUDFLOW_TRY(serve_health(
      h->options_.health, plan.app_id,
      [at = &h->for_health_] { return at->load(std::memory_order_acquire); },
      h->around_.log_lines));
  if (h->around_.on_health) h->around_.on_health(h->health_->port());
  CLOUDFLOW_TRY(h->open_logs());
  h->make_runner(std::move(crashes));
  return h;
}

/// What ended the process before this one, and those before it.
result<runtime::crash_history> host::learn_of_crashes() const {
  auto crashes = runtime::crash_history::from_text(content_of(options_.crash_history));
  if (const auto last = runtime::crash_note::parse(content_of(options_.crash_note))) {
    crashes.add(*last);
    std::ofstream{options_.crash_history} << crashes.to_text();
  }
  if (!runtime::crash_note::install(options_.crash_note.string(),
                                    options_.termination_message.string()))
    return error{fmt::format("{}: cannot be written: {}", options_.crash_note.string(),
                             std::strerror(errno))};
  return crashes;
}

result<void> host::open_logs() {
  auto opened = logs::open(*plan_, *secrets_,
                           {.embedded = options_.log,
                            .kafka = options_.kafka,
                            .disk_bound = options_.disk_bound,
                            .open_kafka = options_.open_kafka,
                            .log_lines = around_.log_lines,
                            .must_stop = around_.must_stop},
                           *around_.time);
  if (!opened) return pubsub::plain(std::move(opened).error());
  logs_ = std::move(opened).value();
  if (const auto* log = logs_->embedded())
    for (const auto& note : log->notes()) around_.log_lines.warn("{}", note);
  for (const auto& t : plan_->topics) {
    if (!t.cluster_key.empty()) continue;
    const pubsub::topic_spec spec{t.name, t.partitions, t.properties, {}};
    for (const auto& sentence : pubsub::embedded::limitations(spec))
      around_.log_lines.warn("topic {}: {}", t.name, sentence);
  }
  return {};
}

void host::make_runner(runtime::crash_history crashes) {
  runtime::runtime_options how;
  how.workers = options_.workers != 0 ? options_.workers : usual_workers();
  how.instance = options_.instance;
  runner_ =
      std::make_unique<native_runner>(*plan_,
                                      runtime::dependencies{.log = &logs_->all(),
                                                            .time = around_.time,
                                                            .log_lines = around_.log_lines,
                                                            .definition_of = around_.definition_of,
                                                            .endpoint_of = around_.endpoint_of,
                                                            .on_listening = around_.on_listening,
                                                            .secrets = *secrets_,
                                                            .crashes = std::move(crashes)},
                                      how, options_.provision);
  for_health_.store(runner_.get(), std::memory_order_release);
}

/// What a cluster lacks may come: a topic that others make, a right, a broker.
bool host::waits_for_others() const {
  return std::ranges::any_of(plan_->topics, [](const auto& t) { return !t.cluster_key.empty(); });
}

result<void> host::start() {
  std::string said;
  for (waiting between{start_again_after, start_again_at_last, around_.must_stop};;) {
    auto started = runner_->start();
    if (started) return started;
    if (!waits_for_others() && !started.error().is_retriable) return started;
    if (started.error().message != said)
      around_.log_lines.error("tries again until it works: {}", started.error().message);
    said = started.error().message;
    if (!between.wait()) return started;
  }
}

void host::look() {
  if (std::chrono::steady_clock::now() < next_maintenance_) return;
  if (auto* log = logs_->embedded()) maintain(*log);
  next_maintenance_ = std::chrono::steady_clock::now() + maintain_every;
}

void host::maintain(pubsub::embedded::log& log) {
  const auto done = log.maintain();
  if (!done) return around_.log_lines.warn("retention: {}", done.error().message);
  const bool was_believed = std::exchange(is_time_believed_, done->is_time_believed);
  if (was_believed && !done->is_time_believed)
    around_.log_lines.info(
        "retention: the time of day has jumped: nothing is deleted by its age for an hour");
}

void host::stop(bool is_well) {
  runner_->stop();
  if (!is_well) return;
  // Whoever starts it anew may have mended what crashed.
  std::error_code is_not_there;
  std::filesystem::remove(options_.crash_history, is_not_there);
}

}  // namespace cloudflow::runner
