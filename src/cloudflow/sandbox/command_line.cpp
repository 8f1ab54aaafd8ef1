#include "cloudflow/sandbox/command_line.hpp"

#include "cloudflow/sandbox/print.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>

namespace cloudflow::sandbox {

namespace {

/// What a variable of a script that is not set leaves.
std::string refuse_nothing(const std::string& text) { return text.empty() ? "it is empty" : ""; }

int report_output() {
  say("what is printed cannot be written: {}\n", std::strerror(errno));
  return failed;
}

/// A command whose output is lost has failed.
int finish(const std::function<int()>& action) {
  try {
    const int code = action();
    return std::fflush(stdout) == 0 && std::ferror(stdout) == 0 ? code : report_output();
  } catch (const std::exception& e) {
    if (std::ferror(stdout) != 0) return report_output();
    say("{}\n", e.what());
    return failed;
  }
}

}  // namespace

CLI::Validator not_empty() { return {refuse_nothing, "", "not empty"}; }

int report(const error& e) {
  say("{}{}", e.message, e.message.ends_with('\n') ? "" : "\n");
  return failed;
}

command_line::command_line(const project& app) : app_(&app) {
  cli_.description(
      fmt::format("{} {}: a streaming application.", app.info().name, app.info().version));
  cli_.require_subcommand(1);
  cli_.set_help_all_flag("--help-all", "Help for all commands.");
  cli_.footer(fmt::format("Example: {} run window=5m", app.info().name));
}

CLI::App& command_line::add(const char* command, const char* description,
                            std::function<int()> action) {
  return choose(*cli_.add_subcommand(command, description), std::move(action));
}

CLI::App& command_line::add(CLI::App& parent, const char* command, const char* description,
                            std::function<int()> action) {
  return choose(*parent.add_subcommand(command, description), std::move(action));
}

CLI::App& command_line::add_group(const char* command, const char* description) {
  auto& c = *cli_.add_subcommand(command, description);
  c.require_subcommand(1);
  return c;
}

CLI::App& command_line::choose(CLI::App& command, std::function<int()> action) {
  // The one that stands furthest to the right is chosen: `offsets set` is not `offsets`.
  command.callback([this, &command, action = std::move(action)] {
    if (command.get_subcommands().empty()) action_ = action;
  });
  return command;
}

void command_line::add_state(CLI::App& c) {
  c.add_option("--state", where_.state, "Directory of the log and everything else that is kept.")
      ->capture_default_str();
}

void command_line::add_configuration(CLI::App& c) {
  c.add_option("--conf", where_.configuration.files,
               "HOCON with the configuration; several: a later one wins.")
      ->allow_extra_args(false)
      ->check(CLI::ExistingFile);
  c.add_option("--kafka", where_.configuration.kafka,
               "HOST:PORT of the Kafka cluster for all topics that name no other.")
      ->check(not_empty());
}

void command_line::add_settings(CLI::App& c) {
  c.add_option(
      "settings", where_.configuration.assignments,
      "parameter=value, streamlet.parameter=value, or cloudflow....=value: over the files.");
}

void command_line::add_format(CLI::App& c, bool& as_json) {
  c.add_option_function<std::string>(
       "-o,--output", [&as_json](const std::string& format) { as_json = format == "json"; },
       "text, for people, or json, for programs.")
      ->check(CLI::IsMember({"text", "json"}))
      ->default_str("text");
}

bool command_line::has_command(const std::string& name) const {
  const auto all = cli_.get_subcommands([&](const CLI::App* c) { return c->get_name() == name; });
  return !all.empty();
}

int command_line::run(int argc, char** argv) {
  arguments_.assign(argv, argv + argc);
  if (argc > 1 && argv[1][0] != '-' && !has_command(argv[1])) {
    say("there is no command {}; {} --help lists those there are\n", argv[1], name());
    return wrong_use;
  }
  try {
    cli_.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return cli_.exit(e) == 0 ? succeeded : wrong_use;
  }
  return finish(action_);
}

}  // namespace cloudflow::sandbox
