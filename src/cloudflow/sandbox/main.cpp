#include "cloudflow/sandbox/application.hpp"

#include "cloudflow/sandbox/command_line.hpp"

namespace cloudflow::detail {

int run_application(std::span<const streamlet_definition* const> streamlets,
                    const application_info& info, int argc, char** argv) {
  const auto app = sandbox::project::load(streamlets, info);
  if (!app) return sandbox::report(app.error());
  sandbox::command_line line{*app};
  sandbox::add_application_commands(line);
  sandbox::add_record_commands(line);
  sandbox::add_operating_commands(line);
  sandbox::add_state_commands(line);
  return line.run(argc, argv);
}

}  // namespace cloudflow::detail
