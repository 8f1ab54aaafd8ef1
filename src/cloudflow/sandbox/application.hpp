/// main() of an application.
#pragma once

#include "cloudflow/application/configure.hpp"
#include "cloudflow/streamlet/definition.hpp"

#include <span>
#include <string_view>

namespace cloudflow {

const application_info& this_application();

namespace detail {
int run_application(std::span<const streamlet_definition* const> streamlets,
                    const application_info& info, int argc, char** argv);
}

/// The whole of main(): `return cloudflow::application<a, b, c>(argc, argv);`. Gives the program
/// its commands: `run`, `describe`, `verify`, `graph`, `plan`, `topics`, `peek`, `send`. Returns
/// the exit code: 0, 1 for a failure, 2 for wrong use.
template <class... Streamlet>
int application(int argc, char** argv) {
  const streamlet_definition* const all[] = {&definition_of<Streamlet>()...};
  return detail::run_application(all, this_application(), argc, argv);
}

}  // namespace cloudflow
