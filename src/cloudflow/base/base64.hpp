/// Standard base64 with padding, without line ends (RFC 4648, section 4).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace cloudflow {

std::string to_base64(std::string_view bytes);

/// Nothing for what is not base64. Line ends between its characters are passed over, as files have
/// them.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace cloudflow
