/// `offsets` and `offsets set`: how far inlets have come.
#pragma once

#include "cloudflow/base/result.hpp"
#include "cloudflow/sandbox/open_log.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace cloudflow::sandbox {

/// Print to standard output; errors say what to do next. `path`: of an inlet, a streamlet, or
/// empty.
result<void> show_offsets(const project& app, const log_location& where, const std::string& path,
                          bool as_json);

struct set_offsets_options {
  std::string inlet;
  std::string to;
  std::optional<std::int32_t> partition;
};
result<void> set_offsets(const project& app, const log_location& where,
                         const set_offsets_options& options);

}  // namespace cloudflow::sandbox
