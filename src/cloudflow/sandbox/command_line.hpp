/// What the commands of a program have in common on the command line.
#pragma once

#include "cloudflow/base/result.hpp"
#include "cloudflow/sandbox/open_log.hpp"
#include "cloudflow/sandbox/project.hpp"

#include <CLI/CLI.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace cloudflow::sandbox {

/// Exit codes.
inline constexpr int succeeded = 0, failed = 1, wrong_use = 2;

/// Prints an error; returns the exit code for it.
int report(const error& e);
/// Threads; more than there are cores only cost memory.
inline constexpr int most_workers = 256;
/// Of an option whose value must be something.
CLI::Validator not_empty();

/// A parser and what it has chosen. Confined to one thread; options that commands refer to live in
/// it or in shared pointers of their actions.
class command_line {
public:
  explicit command_line(const project& app);

  const project& app() const noexcept { return *app_; }
  /// The name of the program in help texts.
  std::string_view name() const { return app_->info().name; }
  /// Options that every command may have.
  log_location& where() noexcept { return where_; }
  /// As they came.
  const std::vector<std::string>& arguments() const noexcept { return arguments_; }

  /// `action` returns the exit code.
  CLI::App& add(const char* command, const char* description, std::function<int()> action);
  CLI::App& add(CLI::App& parent, const char* command, const char* description,
                std::function<int()> action);
  /// A command that only has commands of its own.
  CLI::App& add_group(const char* command, const char* description);

  // -- options that several commands have ---

  void add_state(CLI::App& c);
  /// Files and clusters.
  void add_configuration(CLI::App& c);
  /// Values of parameters: everything that stands behind the other arguments.
  void add_settings(CLI::App& c);
  /// `text` or `json`.
  static void add_format(CLI::App& c, bool& as_json);

  /// Parses, and runs what was chosen. Returns the exit code.
  int run(int argc, char** argv);

private:
  CLI::App& choose(CLI::App& command, std::function<int()> action);
  bool has_command(const std::string& name) const;

  const project* app_;
  CLI::App cli_;
  log_location where_;
  std::vector<std::string> arguments_;
  std::function<int()> action_;
};

/// Adds `run`, `streamlet`, `pod`, `describe`, `verify`, `graph`, `plan` and
/// `resource`.
void add_application_commands(command_line& line);
/// Adds `topics`, `peek` and `send`.
void add_record_commands(command_line& line);
/// Adds `dlq`, `offsets`, `replay` and `top`.
void add_operating_commands(command_line& line);
/// Adds `state`.
void add_state_commands(command_line& line);

}  // namespace cloudflow::sandbox
