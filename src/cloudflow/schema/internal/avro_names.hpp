#pragma once

#include <string>
#include <string_view>

namespace cloudflow::schema::internal {

/// Letters, digits and `_`, not first a digit.
bool is_name(std::string_view text) noexcept;

/// Names with dots between them.
bool is_full_name(std::string_view text) noexcept;

/// What stands before the last dot; empty without one.
std::string_view namespace_of(std::string_view full_name) noexcept;

/// What stands behind the last dot.
std::string_view unqualified(std::string_view full_name) noexcept;

/// `name` in `space`, unless it has a namespace of its own.
std::string full_name(std::string_view name, std::string_view space);

}  // namespace cloudflow::schema::internal
