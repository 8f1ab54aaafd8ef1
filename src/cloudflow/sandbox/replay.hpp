/// `replay`: a streamlet once more over what it has read.
#pragma once

#include "cloudflow/base/result.hpp"
#include "cloudflow/sandbox/open_log.hpp"

#include <string>

namespace cloudflow::sandbox {

struct replay_options {
  std::string streamlet;
  std::string from, to = "end";
  std::string into;  ///< the name of a copy; empty: the streamlet itself, with its state forgotten
  bool is_yes = false;      ///< nobody is asked
  std::size_t workers = 0;  ///< 0: as many as there are cores, at most 4
  std::string log_level = "warn";
};

/// Says what it will do, then does it. Errors say what to do next. Returns the exit code.
result<int> replay(const project& app, const log_location& where, const replay_options& options);

}  // namespace cloudflow::sandbox
