#include "cloudflow/sandbox/application.hpp"

#include "cloudflow/blueprint/descriptor_json.hpp"
#include "cloudflow/blueprint/graph.hpp"
#include "cloudflow/sandbox/project.hpp"
#include "cloudflow/sandbox/run.hpp"
#include "cloudflow/sandbox/show.hpp"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <unistd.h>

namespace cloudflow::detail {

namespace {

using sandbox::project;
using sandbox::run_options;

constexpr int failed = 1, wrong_use = 2;

int report(const error& e) {
  fmt::print(stderr, "{}{}", e.message, e.message.ends_with('\n') ? "" : "\n");
  return failed;
}

/// The commands of one program: what they take, and what they do.
class commands {
public:
  commands(const project& app, std::string program) : app_(&app), program_(std::move(program)) {
    cli_.description(
        fmt::format("{} {}: a streaming application.", app.info().name, app.info().version));
    cli_.require_subcommand(1);
    cli_.set_help_all_flag("--help-all", "Help for all commands.");
    cli_.footer(fmt::format("Example: {} run window=5m", app.info().name));
    add_run();
    add_streamlet();
    add_describe();
    add_verify();
    add_graph();
    add_topics();
    add_peek();
    add_send();
  }

  int parse_and_run(int argc, char** argv) {
    arguments_.assign(argv, argv + argc);
    if (argc > 1 && argv[1][0] != '-' && !has_command(argv[1])) {
      fmt::print(stderr, "there is no command {}; {} --help lists those there are\n", argv[1],
                 app_->info().name);
      return wrong_use;
    }
    try {
      cli_.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
      return cli_.exit(e) == 0 ? 0 : wrong_use;
    }
    return action_();
  }

private:
  bool has_command(const std::string& name) const {
    const auto all = cli_.get_subcommands([&](const CLI::App* c) { return c->get_name() == name; });
    return !all.empty();
  }
  CLI::App& command(const char* name, const char* description, std::function<int()> action) {
    auto& c = *cli_.add_subcommand(name, description);
    c.callback([this, action = std::move(action)] { action_ = action; });
    return c;
  }
  void add_configuration(CLI::App& c) {
    c.add_option("--conf", run_.configuration.files,
                 "HOCON with the configuration; several: a later one wins.")
        ->allow_extra_args(false)
        ->check(CLI::ExistingFile);
    c.add_option("--kafka", run_.configuration.kafka,
                 "HOST:PORT of the Kafka cluster for all topics that name no other.");
    c.add_option(
        "settings", run_.configuration.assignments,
        "parameter=value, streamlet.parameter=value, or cloudflow....=value: over the files.");
  }
  void add_state(CLI::App& c) {
    c.add_option("--state", run_.state, "Directory of the log and everything else that is kept.")
        ->capture_default_str();
  }

  // -- run ---

  void add_run() {
    auto& c = command("run", "Runs the whole application here.", [this] { return run(); });
    add_state(c);
    add_configuration(c);
    c.add_flag("--fresh", run_.is_fresh,
               "Forget what an earlier run has left in the state directory.");
    c.add_flag("--until-idle", run_.is_until_idle,
               "End when all input has been consumed and committed; windows that are open fire.");
    c.add_option(
        "--feed", run_.feed,
        "A shell command that brings the input, started when the servers listen; it finds them in "
        "CLOUDFLOW_<STREAMLET>.");
    add_process(c);
    c.add_option("--disk-bound", run_.disk_bound,
                 "Most bytes that the log may take; 0: no bound. What nobody has read yet is never "
                 "deleted.")
        ->capture_default_str()
        ->transform(CLI::AsSizeValue(false));
    c.add_flag("--child", is_child_)->group("");  // the process that the parent starts
    c.footer(
        fmt::format("Examples:\n  {0} run\n  {0} run --fresh --conf local.conf window=5m "
                    "stat-aggregator.alert-threshold=3",
                    app_->info().name));
  }
  void add_process(CLI::App& c) {
    c.add_option("--port", run_.first_port,
                 "Port of the first server, the next ones follow; 0: any free ones.")
        ->capture_default_str();
    c.add_option("--metrics-port", run_.metrics_port,
                 "Port of /metrics, /live and /ready; 0: any free one.")
        ->capture_default_str();
    c.add_option("--workers", run_.workers,
                 "Threads that process records; 0: one for each core, at most 4.")
        ->capture_default_str();
    c.add_option("--log-level", run_.log_level, "debug, info, warn, error or off.")
        ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error", "off"}))
        ->capture_default_str();
  }
  void add_streamlet() {
    auto& c =
        command("streamlet", "Runs one streamlet, as one of several processes that share Kafka.",
                [this] { return sandbox::run(*app_, run_); });
    c.add_option("name", run_.streamlet, "The streamlet.")->required();
    add_state(c);
    add_configuration(c);
    add_process(c);
    c.add_option("--ordinal", run_.ordinal,
                 "Number of this process among those of the streamlet; without it the lowest that "
                 "is free in the state directory.");
    c.footer(
        fmt::format("Examples:\n  {0} streamlet NAME --kafka localhost:9092\n  {0} streamlet "
                    "NAME --conf cluster.conf --ordinal 2",
                    app_->info().name));
  }
  int run() {
    if (is_child_) return sandbox::run(*app_, run_);
    // Checked here, so that a mistake is reported once and nothing is started.
    const auto plan = app_->make_plan(run_.configuration, run_.state.string(), true);
    if (!plan) return report(plan.error());
    fmt::print(stderr, "{}", plan->warnings);
    if (const auto taken = app_->check_values(plan->plan); !taken) return report(taken.error());
    std::vector<std::string> child{"/proc/self/exe"};
    for (std::size_t i = 1; i < arguments_.size(); ++i)
      if (arguments_[i] != "--fresh") child.push_back(arguments_[i]);
    child.emplace_back("--child");
    return sandbox::supervise(run_, child);
  }

  // -- about the application ---

  void add_describe() {
    command("describe", "Prints the descriptors of the streamlets as JSON.", [this] {
      fmt::print("{}\n", blueprint::to_json(app_->descriptors()));
      return 0;
    });
  }
  void add_verify() {
    auto& c = command("verify", "Checks the blueprint; every problem with its line.", [this] {
      const auto v =
          other_blueprint_.empty() ? app_->verify() : app_->verify_file(other_blueprint_);
      if (!v) return report(v.error());
      fmt::print(stderr, "{}", blueprint::to_string(v->problems));
      if (!v->is_valid()) return failed;
      fmt::print("{}: {} streamlets, {} topics, no problems\n",
                 other_blueprint_.empty() ? app_->info().blueprint_file : other_blueprint_,
                 v->blueprint.streamlets.size(), v->blueprint.topics.size());
      return 0;
    });
    c.add_option("blueprint", other_blueprint_,
                 "Another blueprint for the streamlets of this program; without it the one it was "
                 "built with.");
  }
  void add_graph() {
    auto& c = command("graph", "Draws the application as text.", [this] {
      const auto plan = app_->make_plan(run_.configuration, run_.state.string(), false);
      if (!plan) return report(plan.error());
      fmt::print("{}", blueprint::draw(plan->plan, {.is_ascii = is_ascii_}));
      return 0;
    });
    add_configuration(c);
    c.add_flag("--ascii", is_ascii_, "Plain characters only.");
  }

  // -- the log ---

  void add_topics() {
    auto& c = command("topics", "Lists the topics and how many records are in them.", [this] {
      const auto done = sandbox::show_topics(run_.state);
      return done ? 0 : report(done.error());
    });
    add_state(c);
  }
  void add_peek() {
    auto& c = command("peek", "Prints the records of a topic, running or not.", [this] {
      const auto done = sandbox::peek(run_.state, peek_);
      return done ? 0 : report(done.error());
    });
    c.add_option("topic", peek_.topic, "The topic.")->required();
    add_state(c);
    c.add_option("--from", peek_.from,
                 "beginning, end, an offset, or -N: the last N of each partition.")
        ->capture_default_str();
    c.add_option("--partition", peek_.partition, "One partition; without it all, by time.");
    c.add_option("-n,--count", peek_.count, "At most so many records.");
    c.add_option("--format", peek_.format,
                 "json: the values, one a line; full: with key, offset, time and headers; table.")
        ->check(CLI::IsMember({"json", "full", "table"}))
        ->capture_default_str();
    c.add_option(
         "--latest-by", peek_.latest_by,
         "Fields, separated by commas: only the last record for each of their values, sorted.")
        ->delimiter(',')
        ->allow_extra_args(false);
    c.add_flag("-f,--follow", peek_.is_following,
               "Go on with what is appended, until interrupted.");
    c.footer(fmt::format("Example: {} peek TOPIC --from -10", app_->info().name));
  }
  void add_send() {
    auto& c = command(
        "send",
        "Puts records into a topic: JSON objects, one a line, from a file or standard input.",
        [this] {
          const auto done = sandbox::send(run_.state, send_);
          return done ? 0 : report(done.error());
        });
    c.add_option("topic", send_.topic, "The topic.")->required();
    c.add_option("file", send_.file, "A file, or - for standard input.")->capture_default_str();
    add_state(c);
    c.add_option("--key", send_.key, "Key of all records.");
  }

  const project* app_;
  std::string program_;
  CLI::App cli_;
  std::vector<std::string> arguments_;
  std::function<int()> action_;
  run_options run_;
  bool is_child_ = false, is_ascii_ = false;
  std::string other_blueprint_;
  sandbox::peek_options peek_;
  sandbox::send_options send_;
};

}  // namespace

int run_application(std::span<const streamlet_definition* const> streamlets,
                    const application_info& info, int argc, char** argv) {
  const auto app = project::load(streamlets, info);
  if (!app) return report(app.error());
  return commands{*app, argv[0]}.parse_and_run(argc, argv);
}

}  // namespace cloudflow::detail
