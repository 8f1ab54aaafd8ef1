#pragma once

#include "cloudflow/net/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace cloudflow::net {

/// The parts of `https://host:port/path?query`. A value.
struct url {
  std::string scheme;        ///< `http` or `https`
  std::string host;          ///< as in the text; `[::1]` without its brackets
  std::uint16_t port = 0;    ///< that of the scheme if the text names none
  std::string target = "/";  ///< path and query, as they are in the text

  /// `invalid_request` for other schemes and for what is no URL, with what is wrong with it. User
  /// and password may stand in the text and are no part of the value.
  static result<url> parse(std::string_view text);

  bool operator==(const url&) const = default;
};

/// A URL, or what should be one, for messages: user, password, and the value of each parameter that
/// sounds like a secret (`token`, `signature`, `key`, ...) are `***`; control characters are `?`.
std::string without_secrets(std::string_view url);

}  // namespace cloudflow::net
