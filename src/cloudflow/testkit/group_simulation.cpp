#include "cloudflow/testkit/group_simulation.hpp"

#include "cloudflow/application/provision.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <random>

namespace cloudflow::testkit {

namespace {

using namespace std::chrono_literals;

/// Most rounds follow each other at once; now and then nobody does anything for up to so long.
constexpr auto longest_quiet = 150ms;
constexpr std::uint64_t rounds_between_pauses = 4;
/// How many steps a process stands still, at most: beyond the time-outs of the log, or within.
constexpr std::uint64_t longest_silence = 600;

/// One process, or what it has left.
struct process {
  std::string instance;
  std::unique_ptr<pubsub::simulated::session> log;
  std::unique_ptr<runtime::native_runtime> runtime;
  std::uint64_t silent_until = 0;  ///< step; 0: it is awake
  bool is_replaced = false;        ///< its successor has its name

  bool is_awake() const noexcept { return silent_until == 0; }
  void stop() {
    for (auto* w : runtime->workers()) w->flush();
    runtime.reset();
  }
  void crash() {
    log->crash();
    runtime.reset();
  }
};

}  // namespace

struct group_simulation::state {
  state(const blueprint::plan& plan, find_definition find, const group_options& how)
    : plan_(&plan),
      find_(std::move(find)),
      options_(how),
      random_(how.seed),
      brokers_(clock_, how.seed, how.fault_profile),
      log_(brokers_.connect()) {}

  std::uint64_t pick(std::uint64_t count) { return random_() % count; }

  // -- processes ---

  runtime::worker_options drawn() {
    runtime::worker_options w;
    if (pick(2) == 0) w.max_uncommitted_bytes = pick(1000);
    w.tasks = {.fetch = {.max_records = 1 + pick(8)},
               .first_restart_delay = 50ms,
               .longest_restart_delay = 500ms,
               .forget_interval = 100ms};
    return w;
  }
  result<void> start(const std::string& instance) {
    auto log = brokers_.connect();
    runtime::runtime_options how;
    how.workers = options_.workers;
    how.instance = instance;
    how.worker = options_.worker ? *options_.worker : drawn();
    auto facts = CLOUDFLOW_TRY(app::provision(*plan_, *log));
    auto started =
        CLOUDFLOW_TRY(runtime::native_runtime::create(*plan_, std::move(facts),
                                                      {.log = log.get(),
                                                       .time = &clock_,
                                                       .log_lines = options_.log.named(instance),
                                                       .definition_of = find_,
                                                       .endpoint_of = {},
                                                       .on_listening = {}},
                                                      how));
    processes_.push_back({instance, std::move(log), std::move(started), 0, false});
    return {};
  }
  std::vector<std::string> absent() const {
    std::vector<std::string> names;
    for (std::size_t i = 0; i != options_.processes; ++i) {
      auto name = std::to_string(i);
      const bool is_there = std::any_of(processes_.begin(), processes_.end(), [&](const auto& p) {
        return p.instance == name && !p.is_replaced;
      });
      if (!is_there) names.push_back(std::move(name));
    }
    return names;
  }
  void wake_up() {
    for (auto& p : processes_) {
      if (p.is_awake() || steps_ < p.silent_until) continue;
      p.silent_until = 0;
      p.log->wake_up();
    }
  }

  /// Something happens to a process.
  void happen() {
    ++events_;
    const auto missing = absent();
    if (processes_.empty() || (!missing.empty() && pick(2) == 0)) {
      start(missing[pick(missing.size())]).ignore("it is tried again");
      return;
    }
    const auto at = processes_.begin() + static_cast<std::ptrdiff_t>(pick(processes_.size()));
    switch (pick(4)) {
      case 0:
        if (at->is_awake()) at->stop();
        break;
      case 1:
        at->crash();
        crashes_in_transactions_ += at->log->has_open_transaction() ? 1 : 0;
        break;
      case 2:
        if (!at->is_awake()) break;
        at->silent_until = steps_ + 1 + pick(longest_silence);
        at->log->hang();
        break;
      default:
        if (!at->is_awake()) at->is_replaced = true;  // so its name is absent
    }
    if (!at->runtime) processes_.erase(at);
  }

  // -- steps ---

  void step() {
    ++steps_;
    clock_.advance(pick(rounds_between_pauses) != 0
                       ? std::chrono::milliseconds{pick(5)}
                       : std::chrono::milliseconds{pick(longest_quiet / 1ms)});
    if (options_.steps_between_events != 0 && pick(options_.steps_between_events) == 0) happen();
    wake_up();
    std::vector<const process*> awake;
    for (const auto& p : processes_)
      if (p.is_awake()) awake.push_back(&p);
    if (!awake.empty()) {
      const auto& workers = awake[pick(awake.size())]->runtime->workers();
      workers[pick(workers.size())]->step();
    }
    options_.after_step();
  }

  // -- the end ---

  error not_done(const std::string& what) const {
    return error{
        fmt::format("seed {}: {} after {} steps, {} events", options_.seed, what, steps_, events_)};
  }
  /// Nothing goes wrong any more, and all processes are there.
  result<void> clear_up() {
    options_.steps_between_events = 0;
    brokers_.set_fault_profile({.leaves_marks = options_.fault_profile.leaves_marks});
    for (auto& p : processes_)
      if (!p.is_awake() || p.is_replaced) p.crash();
    std::erase_if(processes_, [](const auto& p) { return !p.runtime; });
    for (const auto& name : absent())
      if (auto started = start(name); !started) return not_done(started.error().message);
    return {};
  }
  bool has_read(const blueprint::port_plan& port, const std::string& topic) const {
    const auto info = log_->topic(topic);
    for (std::size_t i = 0; i != info->partitions.size(); ++i) {
      const pubsub::topic_partition at{topic, partition_id{static_cast<std::int32_t>(i)}};
      const auto position = brokers_.position(port.group, at);
      if (position.value_or(record_offset{0}) < info->partitions[i].end) return false;
    }
    return true;
  }
  bool has_read_everything() const {
    const auto has_read_all_of = [this](const blueprint::port_plan& port) {
      return has_read(port, plan_->topics[port.topic].name) &&
             (!port.retry_topic || has_read(port, plan_->topics[*port.retry_topic].name));
    };
    return std::all_of(plan_->streamlets.begin(), plan_->streamlets.end(), [&](const auto& s) {
      return std::all_of(s.inlets.begin(), s.inlets.end(), has_read_all_of) &&
             std::all_of(s.repartitions.begin(), s.repartitions.end(),
                         [&](const auto& r) { return has_read_all_of(r.port); });
    });
  }
  bool is_idle() const {
    for (const auto& p : processes_)
      for (const auto* w : p.runtime->workers())
        for (const auto& t : w->tasks())
          if (!t->is_idle()) return false;
    return true;
  }
  result<void> settle(std::uint64_t at_most) {
    CLOUDFLOW_TRY(clear_up());
    // Those who got their partitions last may not have looked at them yet: so all of it is waited
    // for.
    for (const auto last = steps_ + at_most;; step()) {
      auto settled =
          has_read_everything() && is_idle() ? look_at_status() : not_done("not all is processed");
      if (settled || steps_ == last) return settled;
    }
  }
  result<void> look_at_status() const {
    for (const auto& p : processes_) {
      if (!p.runtime->is_ready()) return not_done("process " + p.instance + " is not ready");
      for (const auto& t : p.runtime->status()) {
        const auto who = fmt::format("process {}, {} {}", p.instance, t.streamlet, t.partition);
        if (!t.is_running || !t.failure.empty()) return not_done(who + " does not run");
        for (const auto& s : t.sources)
          if (s.lag() != 0) return not_done(fmt::format("{} lags by {}", who, s.lag()));
      }
    }
    return {};
  }
  result<void> run_to_end(std::uint64_t at_most) {
    CLOUDFLOW_TRY(clear_up());
    while (processes_.size() > 1) {
      processes_.back().stop();
      processes_.pop_back();
    }
    for (const auto last = steps_ + at_most; !processes_[0].runtime->advance_to_end(); step())
      if (steps_ == last) return not_done("the application has not come to its end");
    processes_[0].stop();
    processes_.clear();
    // What somebody left open ends now, and whoever looks sees what is behind it.
    clock_.advance(pubsub::simulated::fault_profile{}.transaction_timeout);
    return {};
  }

  const blueprint::plan* plan_;
  find_definition find_;
  group_options options_;
  std::mt19937_64 random_;
  virtual_clock clock_;
  pubsub::simulated::cluster brokers_;
  std::unique_ptr<pubsub::simulated::session> log_;
  std::vector<process> processes_;
  std::uint64_t steps_ = 0, events_ = 0, crashes_in_transactions_ = 0;
};

group_simulation::group_simulation(const blueprint::plan& plan, find_definition definition_of,
                                   const group_options& options)
  : state_(std::make_unique<state>(plan, std::move(definition_of), options)) {}

group_simulation::~group_simulation() = default;

pubsub::simulated::cluster& group_simulation::brokers() { return state_->brokers_; }
pubsub::backend& group_simulation::log() { return *state_->log_; }
virtual_clock& group_simulation::time() { return state_->clock_; }
void group_simulation::step() { state_->step(); }
result<void> group_simulation::settle(std::uint64_t at_most) { return state_->settle(at_most); }
result<void> group_simulation::run_to_end(std::uint64_t at_most) {
  return state_->run_to_end(at_most);
}
std::vector<const runtime::native_runtime*> group_simulation::runtimes() const {
  std::vector<const runtime::native_runtime*> all;
  for (const auto& p : state_->processes_) all.push_back(p.runtime.get());
  return all;
}
std::uint64_t group_simulation::steps() const noexcept { return state_->steps_; }
std::uint64_t group_simulation::events() const noexcept { return state_->events_; }
std::uint64_t group_simulation::crashes_in_transactions() const noexcept {
  return state_->crashes_in_transactions_;
}

}  // namespace cloudflow::testkit
