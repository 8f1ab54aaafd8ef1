#include "cloudflow/application/plan_json.hpp"
#include "cloudflow/application/plan_text.hpp"
#include "cloudflow/blueprint/custom_resource.hpp"
#include "cloudflow/blueprint/descriptor_json.hpp"
#include "cloudflow/blueprint/graph.hpp"
#include "cloudflow/runner/pod.hpp"
#include "cloudflow/sandbox/command_line.hpp"
#include "cloudflow/sandbox/instance_directory.hpp"
#include "cloudflow/sandbox/print.hpp"
#include "cloudflow/sandbox/run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <memory>

namespace cloudflow::sandbox {

namespace {

void take_whereabouts(command_line& line, run_options& o) {
  o.configuration = line.where().configuration;
  o.state = line.where().state;
}

// -- run ------------------------------------------------------------------------------------------

void add_log_level(CLI::App& c, std::string& level) {
  c.add_option("--log-level", level, "debug, info, warn, error or off.")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error", "off"}))
      ->capture_default_str();
}

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
  add_log_level(c, o.log_level);
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

void add_pod(command_line& line) {
  const auto o = std::make_shared<runner::pod_options>();
  const auto level = std::make_shared<std::string>("info");
  auto& c =
      line.add("pod", "Runs one streamlet as its container on Kubernetes does.", [&line, o, level] {
        o->level = log_level_of(*level, log_level::info);
        const auto& app = line.app();
        return runner::run_pod([&app](const std::string& name) { return app.definition_of(name); },
                               app.info().open_kafka, *o);
      });
  c.add_option("--configuration", o->configuration,
               "Where the streamlet's Secret is mounted: plan.json and secrets.json.")
      ->capture_default_str();
  c.add_option("--state", o->state, "Directory of local copies of state.")->capture_default_str();
  c.add_option("--termination-message", o->termination_message,
               "File for the reason of an end; empty: none.")
      ->capture_default_str();
  c.add_option("--address", o->address, "Where its servers listen.")->capture_default_str();
  c.add_option("--port", o->server_port, "Port of the streamlet's server; 0: any free one.")
      ->capture_default_str();
  c.add_option("--metrics-port", o->health_port, "Port of /metrics, /live and /ready.")
      ->capture_default_str();
  c.add_option("--name", o->name, "Name of the pod; it tells replicas apart.")
      ->envname("CLOUDFLOW_POD_NAME")
      ->required();
  add_log_level(c, *level);
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

// -- for Kubernetes -------------------------------------------------------------------------------

struct resource_options {
  std::vector<std::string> images;  ///< `REFERENCE`, or `STREAMLET=REFERENCE`
  std::string image_file, output;
};

result<blueprint::packaging> packaging_of(const project& app, const resource_options& o) {
  const std::string version{app.info().cloudflow_version};
  blueprint::packaging how{.library_version = version, .cli_version = version, .image = {}};
  for (const auto& image : o.images) {
    const auto equals = image.find('=');
    if (equals == image.npos)
      how.image = image;
    else
      how.images[image.substr(0, equals)] = image.substr(equals + 1);
  }
  if (o.image_file.empty()) return how;
  std::ifstream in{o.image_file};
  if (!std::getline(in, how.image) || how.image.empty())
    return error{fmt::format("{}: holds no reference of an image", o.image_file)};
  return how;
}

result<std::string> resource_of(const project& app, const resource_options& o) {
  auto verified = CLOUDFLOW_TRY(app.verify());
  if (!verified.is_valid()) return error{blueprint::to_string(verified.problems)};
  const auto how = CLOUDFLOW_TRY(packaging_of(app, o));
  const auto& streamlets = verified.blueprint.streamlets;
  for (const auto& [name, image] : how.images)
    if (std::ranges::find(streamlets, name, &blueprint::verified_streamlet::name) ==
        streamlets.end())
      return error{fmt::format("--image {}={}: there is no streamlet {}", name, image, name)};
  for (const auto& s : streamlets)
    if (how.image.empty() && !how.images.contains(s.name))
      return error{
          fmt::format("streamlet {} has no image: say --image REFERENCE for all of them, "
                      "or --image {}=REFERENCE",
                      s.name, s.name)};
  const auto id = app.info().name;
  return blueprint::to_custom_resource_json(
      blueprint::make_application(id, std::string{app.info().version},
                                  std::move(verified.blueprint)),
      how);
}

int write_resource(const project& app, const resource_options& o) {
  const auto text = resource_of(app, o);
  if (!text) return report(text.error());
  if (o.output.empty()) {
    fmt::print("{}\n", *text);
    return succeeded;
  }
  std::ofstream out{o.output};
  out << *text << '\n' << std::flush;
  if (!out) return report(error{fmt::format("{}: cannot be written", o.output)});
  return succeeded;
}

void add_resource(command_line& line) {
  const auto o = std::make_shared<resource_options>();
  auto& c = line.add("resource", "Writes the custom resource for Kubernetes, as JSON.",
                     [&line, o] { return write_resource(line.app(), *o); });
  auto* images =
      c.add_option("--image", o->images,
                   "Reference of the image of all streamlets, or STREAMLET=REFERENCE of one; may "
                   "be given several times.")
          ->allow_extra_args(false);
  c.add_option("--image-file", o->image_file, "A file whose first line is that reference.")
      ->excludes(images);
  c.add_option("--output", o->output, "A file to write to; without it standard output.");
  c.footer(fmt::format("Example:\n  {0} resource --image registry.example/{0}:1.0 > {0}.json",
                       line.name()));
}

}  // namespace

void add_application_commands(command_line& line) {
  add_run(line);
  add_streamlet(line);
  add_pod(line);
  add_describe(line);
  add_verify(line);
  add_graph(line);
  add_plan(line);
  add_resource(line);
}

}  // namespace cloudflow::sandbox
