/// Values of configuration parameters: their types and patterns. One engine for defaults at
/// verification and for values when a plan is made.
#pragma once

#include "cloudflow/base/result.hpp"
#include "cloudflow/blueprint/descriptor.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace cloudflow::blueprint {

enum class value_problem_kind { wrong_type, no_match, bad_pattern, unknown_type };

struct value_problem {
  value_problem_kind kind = value_problem_kind::wrong_type;
  /// `a boolean value`, `an integer value` ...: what was expected. For a bad pattern: what is wrong
  /// with it.
  std::string detail;
};

/// Checks `text` against the type and pattern of `parameter` and gives the text to pass on: `true`
/// or `false` for a boolean, anything else unchanged. Patterns are RE2 and match the whole text.
result<std::string, value_problem> check_value(const parameter_descriptor& parameter,
                                               std::string_view text);

/// `a boolean value`, `an integer value` ... of a validation type; `a value` of one that is not
/// known.
std::string_view expected_value(std::string_view validation_type);

/// What is wrong with a validation pattern; none: it compiles. Refuses what Java's expressions and
/// RE2 do not both take for a repetition, such as `.{1,5$`.
std::optional<std::string> pattern_problem(std::string_view pattern);

}  // namespace cloudflow::blueprint
