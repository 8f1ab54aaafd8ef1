#include "cloudflow/sandbox/open_log.hpp"

#include "cloudflow/runner/logs.hpp"
#include "cloudflow/sandbox/socket_log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

namespace cloudflow::sandbox {

namespace {

using namespace std::chrono_literals;
constexpr auto patience = 5000ms, lock_looks_every = 20ms;

bool needs_embedded_log(const blueprint::plan& plan) {
  return std::any_of(plan.topics.begin(), plan.topics.end(),
                     [](const auto& topic) { return topic.cluster_key.empty(); });
}

}  // namespace

application_log::application_log() = default;
application_log::application_log(application_log&&) noexcept = default;
application_log::~application_log() = default;

result<application_log> application_log::open(const project& app, const log_location& where,
                                              purpose why, const std::string& own_state) {
  auto planned = CLOUDFLOW_TRY(app.make_plan(where.configuration, where.state.string(), false));
  application_log a;
  a.configured_ = std::make_unique<app::configured_plan>(std::move(planned));
  a.time_ = std::make_unique<system_clock>();
  a.open_kafka_ = app.info().open_kafka;
  const state_layout state{where.state};
  std::filesystem::path kafka;
  if (why == purpose::keeping_state) kafka = state.kafka() / own_state;
  const auto give_up = std::chrono::steady_clock::now() + patience;
  for (;;) {
    const auto opened =
        CLOUDFLOW_TRY(a.try_open(state, kafka, why, std::chrono::steady_clock::now() > give_up));
    if (opened) return a;
    std::this_thread::sleep_for(lock_looks_every);
  }
}

result<bool> application_log::try_open(const state_layout& state,
                                       const std::filesystem::path& kafka, purpose why,
                                       bool is_last) {
  needs_embedded_log_ = needs_embedded_log(plan());
  if (needs_embedded_log_) {
    socket_ = socket_log::connect(state.socket());
    log_ = socket_.get();
    if (socket_) return true;
    std::error_code failed;
    const bool is_there = std::filesystem::exists(state.log(), failed);
    if (failed)
      return error{
          fmt::format("{}: cannot be looked into: {}", state.root.string(), failed.message())};
    if (!is_there)
      return error{
          fmt::format("{}: there is no log here: run the application first, or name its "
                      "directory with --state",
                      state.root.string())};
  }
  auto opened = runner::logs::open(configured_->plan, configured_->secrets,
                                   {.embedded = state.log(),
                                    .kafka = kafka,
                                    .is_read_only = why == purpose::reading,
                                    .open_kafka = open_kafka_,
                                    .must_stop = {}},
                                   *time_);
  if (!opened && opened.error().code == pubsub::errc::in_use && !is_last) return false;
  if (!opened) return error{std::move(opened).error().message};
  logs_ = std::move(opened).value();
  log_ = &logs_->all();
  return true;
}

}  // namespace cloudflow::sandbox
