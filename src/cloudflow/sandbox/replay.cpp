#include "cloudflow/sandbox/replay.hpp"

#include "cloudflow/operate/replay.hpp"
#include "cloudflow/operate/shadow.hpp"
#include "cloudflow/operate/table.hpp"
#include "cloudflow/runner/native_runner.hpp"
#include "cloudflow/runner/shadow_run.hpp"
#include "cloudflow/runner/stop_signal.hpp"
#include "cloudflow/sandbox/print.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <thread>
#include <utility>

namespace cloudflow::sandbox {

namespace {

using namespace std::chrono_literals;
using operate::replay_part, operate::table;
using runner::shadow_run;

constexpr auto replay_looks_every = 20ms;

void print_parts(const std::vector<replay_part>& parts) {
  constexpr auto right = table::side::right;
  table rows{{{"topic"}, {"partition", right}, {"from", right}, {"to", right}, {"records", right}}};
  for (const auto& part : parts)
    rows.add({part.source.topic, std::to_string(part.source.partition.value()),
              std::to_string(part.from.value()), std::to_string(part.to.value()),
              std::to_string(part.records())});
  fmt::print("{}", rows.text());
}

std::string outputs_of(const blueprint::plan& plan, const blueprint::streamlet_plan& streamlet) {
  std::vector<std::string> topics;
  for (const auto& port : streamlet.outlets) topics.push_back(plan.topics[port.topic].name);
  return fmt::format("{}", fmt::join(topics, ", "));
}

// -- with its state forgotten ---------------------------------------------------------------------

result<int> reset(const application_log& app, const blueprint::streamlet_plan& streamlet,
                  const std::vector<replay_part>& parts, bool is_yes) {
  fmt::print("{} {}reads again:\n\n", streamlet.name,
             streamlet.states.empty() ? "" : "forgets its state and ");
  print_parts(parts);
  if (!streamlet.outlets.empty())
    fmt::print("\nWhat it makes of these records is written once more to {}.\n",
               outputs_of(app.plan(), streamlet));
  if (!is_yes && !is_confirmed(fmt::format("Send {} back?", streamlet.name)))
    return error{"nothing was changed: say --yes to go on without being asked"};
  CLOUDFLOW_TRY(operate::reset_state(app.log(), app.plan(), streamlet, parts));
  fmt::print("done: {} begins there when it runs next\n", streamlet.name);
  return 0;
}

// -- beside the original --------------------------------------------------------------------------

/// Says how far it is, in one line that is written over on a terminal; elsewhere nothing.
void print_progress(const shadow_run& run) {
  if (::isatty(STDERR_FILENO) != 0) say("\r{} of {} records", run.records_done(), run.records());
}

std::string has_given_up(const runtime::native_runtime& r) {
  for (const auto& t : r.status())
    if (!t.is_running && t.restarts >= app::hopeless_after_failures)
      return fmt::format("partition {} failed {} times: {}", t.partition, t.restarts, t.failure);
  return {};
}

/// Until the range is done, or a signal.
result<int> run_to_end(shadow_run& run, const std::string& name) {
  const runtime::worker_threads threads{run.runtime()};
  while (!run.runtime().advance_to_end()) {
    if (runner::stop_signal() != 0) {
      say("\nstopped after {} of {} records; the same command goes on from there\n",
          run.records_done(), run.records());
      return 1;
    }
    if (const auto why = has_given_up(run.runtime()); !why.empty())
      return error{fmt::format("giving up, {} does not reach its end: {}", name, why)};
    print_progress(run);
    std::this_thread::sleep_for(replay_looks_every);
  }
  print_progress(run);
  if (::isatty(STDERR_FILENO) != 0) say("\n");
  return 0;
}

runtime::dependencies surroundings_of(const project& app, const application_log& opened,
                                      const logger& lines, const blueprint::secret_texts& secrets) {
  return {.log = &opened.log(),
          .time = &opened.time(),
          .log_lines = lines,
          .definition_of = [&app](const std::string& name) { return app.definition_of(name); },
          .endpoint_of = {},
          .on_listening = {},
          .secrets = secrets};
}

/// What was written and what was refused, where anything was. Exit code: 1 where nothing else has
/// come of it.
int tell_outcome(const shadow_run& run, const blueprint::plan& shadow) {
  const auto refused = run.refused();
  if (refused == 0) return 0;
  fmt::print("  {} records written, {} refused\n", run.written(), refused);
  for (const auto& inlet : shadow.streamlets.front().inlets)
    if (inlet.dead_letter_topic)
      fmt::print("  each with its reason: peek {}\n", shadow.topics[*inlet.dead_letter_topic].name);
  return std::cmp_greater_equal(refused, run.records_done()) ? 1 : 0;
}

result<int> copy(const project& app, const log_location& where, const application_log& opened,
                 const replay_options& options, const operate::offset_spec& from,
                 const operate::offset_spec& to) {
  // It runs, so all parameters are needed.
  const auto planned =
      CLOUDFLOW_TRY(app.make_plan(where.configuration, where.state.string(), true));
  CLOUDFLOW_TRY(app.check_values(planned));
  const auto original = CLOUDFLOW_TRY(operate::find_streamlet(planned.plan, options.streamlet));
  const auto shadow = CLOUDFLOW_TRY(operate::shadow_of(planned.plan, *original, options.into));
  const auto& streamlet = shadow.streamlets.front();
  const auto parts = CLOUDFLOW_TRY(operate::parts_of(opened.log(), shadow, streamlet, from, to));
  fmt::print("{} reads as {}:\n\n", options.streamlet, options.into);
  print_parts(parts);
  const logger lines{make_console_sink(log_level_of(options.log_level, log_level::warn)), "replay"};
  runtime::runtime_options how;
  how.workers = options.workers != 0 ? options.workers : runner::usual_workers();
  auto run = CLOUDFLOW_TRY(
      shadow_run::create(shadow, parts, surroundings_of(app, opened, lines, planned.secrets), how));
  runner::catch_stop_signals({SIGINT, SIGTERM});
  auto code = run_to_end(*run, options.into);
  if (!code || *code != 0) return code;
  fmt::print("\ndone: {} records", run->records_done());
  if (!streamlet.outlets.empty()) fmt::print(" into {}", outputs_of(shadow, streamlet));
  fmt::print("\n");
  return tell_outcome(*run, shadow);
}

}  // namespace

result<int> replay(const project& app, const log_location& where, const replay_options& options) {
  const bool is_copy = !options.into.empty();
  // The state of a copy is kept apart: what runs has its own open.
  const auto opened = CLOUDFLOW_TRY(application_log::open(
      app, where, purpose::keeping_state, is_copy ? "replay-" + options.into : std::string{}));
  const auto now = opened.time().now();
  const auto from = operate::offset_spec::parse(options.from, now);
  if (!from) return error{"--from: " + from.error().message};
  const auto to = operate::offset_spec::parse(options.to, now);
  if (!to) return error{"--to: " + to.error().message};
  if (is_copy) return copy(app, where, opened, options, *from, *to);
  const auto streamlet = CLOUDFLOW_TRY(operate::find_streamlet(opened.plan(), options.streamlet));
  const auto parts =
      CLOUDFLOW_TRY(operate::parts_of(opened.log(), opened.plan(), *streamlet, *from, *to));
  return reset(opened, *streamlet, parts, options.is_yes);
}

}  // namespace cloudflow::sandbox
