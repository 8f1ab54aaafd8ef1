/// Pieces of JSON text. Internal to config.
#pragma once

#include <string>
#include <string_view>

namespace cloudflow::config::detail {

/// A JSON string with its quotes.
std::string quoted(std::string_view text);
/// A number as the reference implementation prints it: whole numbers without fraction, the others
/// as Java does.
std::string canonical_number(std::string_view text);

}  // namespace cloudflow::config::detail
