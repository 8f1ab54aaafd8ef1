/// `dlq ls`, `show`, `retry` and `drop`: dead letters.
#pragma once

#include "cloudflow/base/result.hpp"
#include "cloudflow/sandbox/open_log.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace cloudflow::sandbox {

/// Which dead letters, as the command line says it.
struct letter_options {
  std::string inlet;                 ///< `streamlet.inlet`
  std::vector<std::string> offsets;  ///< each `N` or `N-M`; none: all
  std::string reason;                ///< a part of it
};

/// Print to standard output; errors say what to do next. `inlet` may be empty or a streamlet.
result<void> list_letters(const project& app, const log_location& where, const std::string& inlet,
                          bool as_json);
/// `at_most`: the last so many.
result<void> show_letters(const project& app, const log_location& where,
                          const letter_options& options, std::optional<std::size_t> at_most,
                          bool as_json);
result<void> retry_letters(const project& app, const log_location& where,
                           const letter_options& options);
result<void> drop_letters(const project& app, const log_location& where,
                          const letter_options& options);

}  // namespace cloudflow::sandbox
