#include "cloudflow/testkit/simulation.hpp"

#include "cloudflow/application/provision.hpp"
#include "cloudflow/pubsub/embedded/log.hpp"
#include "cloudflow/pubsub/embedded/simulated_disk.hpp"
#include "cloudflow/runtime/runtime.hpp"

#include <fmt/format.h>

#include <random>
#include <stdexcept>

namespace cloudflow::testkit {

namespace {

using namespace std::chrono_literals;

/// The clock moves at most so far between two rounds: more than a commit interval, less than a
/// restart delay.
constexpr auto longest_pause = 150ms;
/// A loss of power strikes within so many changes to the disk.
constexpr std::uint64_t strikes_within = 12;

std::string unfinished(const std::vector<app::task_status>& tasks) {
  std::string text;
  for (const auto& t : tasks)
    text += fmt::format("\n    {} {}: {}{}{}, {} records in, {} out, {} commits, {} restarts",
                        t.streamlet, t.partition, t.is_running ? "runs" : "does not run",
                        t.failure.empty() ? "" : ": ", t.failure, t.records_in, t.records_out,
                        t.commits, t.restarts);
  return text;
}

}  // namespace

struct simulation::state {
  state(const blueprint::plan& plan, find_definition find, const simulation_options& how)
    : plan_(&plan), find_(std::move(find)), options_(how), random_(how.seed), disk_(how.seed) {}

  /// Opens the log, and the application on it unless only the log is wanted.
  result<void> start(bool with_application) {
    // A thread of the database may have met the loss of power after the last look.
    if (disk_.is_off()) {
      runtime_.reset();
      log_.reset();
      ++crashes_;
      disk_.power_on();
    }
    if (log_ == nullptr) {
      pubsub::embedded::options how;
      how.directory = "/log";
      how.file_system = disk_.file_system();
      auto opened = pubsub::embedded::open(how, clock_);
      if (!opened) return error{opened.error().message};
      log_ = std::move(opened).value();
    }
    if (!with_application || runtime_ != nullptr) return {};
    runtime::runtime_options how;
    how.workers = options_.workers;
    how.worker = options_.worker;
    auto facts = CLOUDFLOW_TRY(app::provision(*plan_, *log_));
    runtime_ = CLOUDFLOW_TRY(runtime::native_runtime::create(*plan_, std::move(facts),
                                                             {.log = log_.get(),
                                                              .time = &clock_,
                                                              .log_lines = options_.log,
                                                              .definition_of = find_,
                                                              .endpoint_of = {},
                                                              .on_listening = {}},
                                                             how));
    return {};
  }

  /// One round of one worker, some time later. True when the application has come to its end.
  bool step() {
    ++steps_;
    clock_.advance(std::chrono::milliseconds{random_() % (longest_pause / 1ms)});
    const bool may_crash =
        options_.steps_between_crashes != 0 &&
        (options_.steps_with_crashes == 0 || steps_ < options_.steps_with_crashes);
    if (may_crash && random_() % options_.steps_between_crashes == 0)
      disk_.power_off_after(1 + random_() % strikes_within);
    const auto& workers = runtime_->workers();
    workers[random_() % workers.size()]->step();
    return !disk_.is_off() && runtime_->advance_to_end();
  }

  const blueprint::plan* plan_;
  find_definition find_;
  simulation_options options_;
  std::mt19937_64 random_;
  virtual_clock clock_;
  pubsub::embedded::simulated_disk disk_;
  std::unique_ptr<pubsub::embedded::log> log_;
  std::unique_ptr<runtime::native_runtime> runtime_;
  std::uint64_t crashes_ = 0, steps_ = 0;
};

simulation::simulation(const blueprint::plan& plan, find_definition definition_of,
                       const simulation_options& options)
  : state_(std::make_unique<state>(plan, std::move(definition_of), options)) {}

simulation::~simulation() = default;

pubsub::backend& simulation::log() {
  state_->disk_.power_off_after(0);  // it stays on for whoever looks
  if (auto open = state_->start(false); !open) throw std::runtime_error(open.error().message);
  return *state_->log_;
}

result<void> simulation::run_to_end(std::uint64_t at_most) {
  for (const auto last = state_->steps_ + at_most; state_->steps_ < last;) {
    if (auto done = state_->start(true); !done) {
      if (!state_->disk_.is_off()) return done;
      continue;  // with the power on again
    }
    const auto has_ended = state_->step();
    state_->options_.after_step();
    if (has_ended) {
      state_->runtime_.reset();
      return {};
    }
  }
  return error{
      fmt::format("seed {}: the application has not come to its end after {} steps, {} crashes{}",
                  state_->options_.seed, state_->steps_, state_->crashes_, unfinished(status()))};
}

std::vector<app::task_status> simulation::status() const {
  return state_->runtime_ == nullptr ? std::vector<app::task_status>{} : state_->runtime_->status();
}
std::uint64_t simulation::crashes() const noexcept { return state_->crashes_; }
std::uint64_t simulation::steps() const noexcept { return state_->steps_; }

}  // namespace cloudflow::testkit
