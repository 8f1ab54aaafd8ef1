/// `top`: what an application does at this moment.
#pragma once

#include "cloudflow/base/result.hpp"

#include <chrono>
#include <filesystem>

namespace cloudflow::sandbox {

struct top_options {
  bool is_once = false;
  std::chrono::milliseconds every{2000};
  bool as_json = false;
};

/// Prints a table again and again, in place on a terminal; once when it is told so, or when there
/// is no terminal. All processes of the application that have their socket below `state` are in it.
/// Errors: none runs there.
result<void> top(const std::filesystem::path& state, const top_options& options);

}  // namespace cloudflow::sandbox
