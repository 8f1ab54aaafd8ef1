/// Path expressions: `a.b."c.d"`. Internal to config.
#pragma once

#include "cloudflow/config/lexer.hpp"
#include "cloudflow/config/value.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cloudflow::config::detail {

/// The keys from the root to a value.
using key_path = std::vector<std::string>;

/// As one would write it: keys that need quotes have them.
std::string to_string(std::span<const std::string> keys);

/// The path that `tokens` spell. Dots outside quotes part it; white space between the words of a
/// key belongs to the key. Errors: an empty key without quotes, or a token that no path can hold
/// (bad_path); `where` says what is to blame.
result<key_path> parse_path(std::span<const token> tokens, const origin& where);
/// The same for a text on its own, such as an argument.
result<key_path> parse_path(std::string_view text, const origin& where);

}  // namespace cloudflow::config::detail
