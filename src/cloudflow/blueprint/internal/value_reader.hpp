#pragma once

#include "cloudflow/blueprint/parse.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudflow::blueprint::internal {

/// `NULL`, `BOOLEAN`, `NUMBER`, `STRING`, `LIST` or `OBJECT`, as 2.3 says it.
std::string_view type_name(const config::value& v);

problem format_error(const config::origin& where, std::string_view reason,
                     std::string suggestion = {});
problem wrong_type(const config::value& v, const config::origin& where, std::string_view path,
                   std::string_view wanted, std::string suggestion = {});

/// The leaves of an object: dotted path and text. A list becomes `[a, b]`; nulls are left out.
std::vector<std::pair<std::string, located_text>> flatten(const config::value& v);

/// Every text in `v`, keys included, joined by dots as port paths are.
void collect_texts(const config::value& v, const std::string& prefix,
                   std::vector<std::string>& into);

/// A whole number of at least 1.
std::optional<std::int32_t> to_count(const config::value& v);

/// `v` with the keys in `without` left out and `added` at its end.
config::value copy_object(const config::value& v, std::span<const std::string_view> without,
                          std::vector<config::member> added = {});

}  // namespace cloudflow::blueprint::internal
