#pragma once

#include "cloudflow/base/result.hpp"

#include <chrono>
#include <map>
#include <stop_token>
#include <string>
#include <vector>

namespace cloudflow::kube::internal {

struct command {
  std::vector<std::string> arguments;              ///< the program first, looked for in PATH
  std::map<std::string, std::string> environment;  ///< added to this process's
  std::chrono::milliseconds longest;
};

/// What a command writes to its standard output. It has nothing to read; what it writes to its
/// standard error is seen where this process's is. Blocks until it has ended. Fails when it cannot
/// be started, ends with another code than 0, takes too long or is stopped (it is killed then), or
/// writes more than a MiB.
cloudflow::result<std::string> output_of(const command& what, const std::stop_token& stop);

}  // namespace cloudflow::kube::internal
