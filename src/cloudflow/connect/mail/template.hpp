#pragma once

#include "cloudflow/base/result.hpp"
#include "cloudflow/base/time.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace cloudflow::connect {

/// What a placeholder stands for: text as it is, numbers in decimal, `true` or `false`, times in
/// ISO 8601.
using template_value = std::variant<std::string_view, std::int64_t, double, bool, timestamp>;

/// Text with placeholders: `{app}: {numErrors} problems`. `{{` and `}}` stand for braces. Checked
/// once, at start. An immutable value; thread-safe.
class text_template {
public:
  /// `fields` are the names that may stand in braces. Fails for every other one, and for a brace
  /// without its partner, with the position.
  static result<text_template> parse(std::string_view text,
                                     std::span<const std::string_view> fields);

  /// @pre `values` has one value for each field given to `parse`, in that order.
  std::string render(std::span<const template_value> values) const;

private:
  struct part {
    std::string literal;
    std::size_t field;  // `no_field`, or which value follows the literal
  };
  static constexpr std::size_t no_field = static_cast<std::size_t>(-1);

  std::vector<part> parts_;
};

}  // namespace cloudflow::connect
