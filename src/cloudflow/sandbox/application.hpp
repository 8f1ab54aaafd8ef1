/// main() of an application.
#pragma once

#include "cloudflow/streamlet/definition.hpp"

#include <span>
#include <string_view>

namespace cloudflow {

/// What the build knows about an application; cloudflow_application() generates it into the program.
struct application_info {
  std::string_view name, version;
  std::string_view blueprint_file;  ///< as errors name it
  std::string_view blueprint_text;
};
const application_info& this_application();

namespace detail {
int run_application(std::span<const streamlet_definition* const> streamlets,
                    const application_info& info, int argc, char** argv);
}

/// The whole of main(): `return cloudflow::application<a, b, c>(argc, argv);`. Gives the program its commands: `run`,
/// `describe`, `verify`, `graph`, `topics`, `peek`, `send`. Returns the exit code: 0, 1 for a failure, 2 for wrong use.
template <class... Streamlet>
int application(int argc, char** argv) {
  const streamlet_definition* const all[] = {&definition_of<Streamlet>()...};
  return detail::run_application(all, this_application(), argc, argv);
}

}  // namespace cloudflow
