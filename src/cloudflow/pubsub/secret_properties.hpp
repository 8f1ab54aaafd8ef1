#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace cloudflow::pubsub {

/// Whether a property of a Kafka client is a secret, by its name: a password, a token, a key. What
/// names a file or an address is none.
constexpr bool is_secret_property(std::string_view name) noexcept {
  constexpr auto parts = std::to_array<std::string_view>(
      {"password", "passphrase", "secret", "jaas", ".key", "token", "assertion", ".pem", "config"});
  if (name.ends_with(".location") || name.ends_with(".url")) return false;
  return std::any_of(parts.begin(), parts.end(), [&](std::string_view part) {
    return name.find(part) != std::string_view::npos;
  });
}

}  // namespace cloudflow::pubsub
