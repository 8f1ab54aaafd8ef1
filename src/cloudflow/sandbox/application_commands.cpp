#include "cloudflow/application/plan_json.hpp"
#include "cloudflow/application/plan_text.hpp"
#include "cloudflow/blueprint/descriptor_json.hpp"
#include "cloudflow/blueprint/graph.hpp"
#include "cloudflow/sandbox/command_line.hpp"
#include "cloudflow/sandbox/instance_directory.hpp"
#include "cloudflow/sandbox/print.hpp"
#include "cloudflow/sandbox/run.hpp"

#include <fmt/format.h>

#include <memory>

namespace cloudflow::sandbox {

namespace {

void take_whereabouts(command_line& line, run_options& o) {
  o.configuration = line.where().configuration;
  o.state = line.where().state;
}

// -- run ------------------------------------------------------------------------------------------

void add_process(CLI::App& c, run_options& o) {
  c.add_option("--port", o.first_port,
               "Port of the first server, the next ones follow; 0: any free ones.")
      ->capture_default_str();
  c.add_option_function<std::uint16_t>(
       "--metrics-port",
       [&o](std::uint16_t port) {
         o.metrics_port = port;
         o.must_have_metrics_port = true;
       },
       "Port of /metrics, /live and /ready; 0: any free one. Without it another where this is "
       "taken.")
      ->default_str(std::to_string(o.metrics_port));
  c.add_option("--workers", o.workers,
               "Threads that process records; 0: one for each core, at most 4.")
      ->check(CLI::Range(0, most_workers))
      ->capture_default_str();
  c.add_option("--log-level", o.log_level, "debug, info, warn, error or off.")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error", "off"}))
      ->capture_default_str();
}

int start(command_line& line, run_options& o, bool is_child) {
  take_whereabouts(line, o);
  if (is_child) return run(line.app(), o);
  // Checked here, so that a mistake is reported once and nothing is started.
  const auto plan = line.app().make_plan(o.configuration, o.state.string(), true);
  if (!plan) return report(plan.error());
  say("{}", plan->warnings);
  if (const auto taken = line.app().check_values(*plan); !taken) return report(taken.error());
  std::vector<std::string> child{"/proc/self/exe"};
  for (std::size_t i = 1; i < line.arguments().size(); ++i)
    if (line.arguments()[i] != "--fresh") child.push_back(line.arguments()[i]);
  child.emplace_back("--child");
  return supervise(o, child);
}

void add_run(command_line& line) {
  const auto o = std::make_shared<run_options>();
  const auto is_child = std::make_shared<bool>(false);
  auto& c = line.add("run", "Runs the whole application here.",
                     [&line, o, is_child] { return start(line, *o, *is_child); });
  line.add_state(c);
  line.add_configuration(c);
  line.add_settings(c);
  c.add_flag("--fresh", o->is_fresh, "Forget what an earlier run has left in the state directory.");
  c.add_flag("--until-idle", o->is_until_idle,
             "End when all input has been consumed and committed; windows that are open fire.");
  c.add_option(
      "--feed", o->feed,
      "A shell command that brings the input, started when the servers listen; it finds them in "
      "CLOUDFLOW_<STREAMLET>.");
  add_process(c, *o);
  c.add_option("--disk-bound", o->disk_bound,
               "Most bytes that the log may take; 0: no bound. What nobody has read yet is never "
               "deleted.")
      ->capture_default_str()
      ->transform(CLI::AsSizeValue(false));
  c.add_flag("--child", *is_child)->group("");  // the process that the parent starts
  c.footer(
      fmt::format("Examples:\n  {0} run\n  {0} run --fresh --conf local.conf window=5m "
                  "stat-aggregator.alert-threshold=3",
                  line.name()));
}

void add_streamlet(command_line& line) {
  const auto o = std::make_shared<run_options>();
  auto& c = line.add(
      "streamlet", "Runs one streamlet, as one of several processes that share Kafka.", [&line, o] {
        take_whereabouts(line, *o);
        return run(line.app(), *o);
      });
  c.add_option("name", o->streamlet, "The streamlet.")->required();
  line.add_state(c);
  line.add_configuration(c);
  line.add_settings(c);
  add_process(c, *o);
  c.add_option("--ordinal", o->ordinal,
               "Number of this process among those of the streamlet; without it the lowest that "
               "is free in the state directory.")
      ->check(CLI::Range(0, most_processes - 1));
  c.footer(
      fmt::format("Examples:\n  {0} streamlet NAME --kafka localhost:9092\n  {0} streamlet "
                  "NAME --conf cluster.conf --ordinal 2",
                  line.name()));
}

// -- about the application ------------------------------------------------------------------------

void add_describe(command_line& line) {
  line.add("describe", "Prints the descriptors of the streamlets as JSON.", [&line] {
    fmt::print("{}\n", blueprint::to_json(line.app().descriptors()));
    return succeeded;
  });
}

int verify(const project& app, const std::string& other_blueprint) {
  const auto v = other_blueprint.empty() ? app.verify() : app.verify_file(other_blueprint);
  if (!v) return report(v.error());
  say("{}", blueprint::to_string(v->problems));
  if (!v->is_valid()) return failed;
  fmt::print("{}: {} streamlets, {} topics, no problems\n",
             other_blueprint.empty() ? app.info().blueprint_file : other_blueprint,
             v->blueprint.streamlets.size(), v->blueprint.topics.size());
  return succeeded;
}

void add_verify(command_line& line) {
  const auto other = std::make_shared<std::string>();
  auto& c = line.add("verify", "Checks the blueprint; every problem with its line.",
                     [&line, other] { return verify(line.app(), *other); });
  c.add_option("blueprint", *other,
               "Another blueprint for the streamlets of this program; without it the one it was "
               "built with.");
}

void add_graph(command_line& line) {
  const auto is_ascii = std::make_shared<bool>(false);
  auto& c = line.add("graph", "Draws the application as text.", [&line, is_ascii] {
    const auto& where = line.where();
    const auto plan = line.app().make_plan(where.configuration, where.state.string(), false);
    if (!plan) return report(plan.error());
    fmt::print("{}", blueprint::draw(plan->plan, {.is_ascii = *is_ascii}));
    return succeeded;
  });
  line.add_configuration(c);
  line.add_settings(c);
  c.add_flag("--ascii", *is_ascii, "Plain characters only.");
}

void add_plan(command_line& line) {
  const auto as_json = std::make_shared<bool>(false);
  auto& c =
      line.add("plan", "Prints everything that the application is going to be.", [&line, as_json] {
        const auto& where = line.where();
        const auto plan = line.app().make_plan(where.configuration, where.state.string(), false);
        if (!plan) return report(plan.error());
        say("{}", plan->warnings);
        fmt::print("{}\n", *as_json ? app::to_json(plan->plan) : app::to_text(plan->plan));
        return succeeded;
      });
  line.add_state(c);
  line.add_configuration(c);
  line.add_settings(c);
  command_line::add_format(c, *as_json);
  c.footer(
      fmt::format("Secrets are shown as the paths that they have in the configuration.\n"
                  "Examples:\n  {0} plan\n  {0} plan --conf cluster.conf -o json",
                  line.name()));
}

}  // namespace

void add_application_commands(command_line& line) {
  add_run(line);
  add_streamlet(line);
  add_describe(line);
  add_verify(line);
  add_graph(line);
  add_plan(line);
}

}  // namespace cloudflow::sandbox
