/// Which names Cloudflow 2.3 accepts, and how it makes DNS names of them. Immutable tables; every
/// function is thread-safe.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace cloudflow::blueprint {

inline constexpr std::size_t max_topic_name_length = 249;  ///< Kafka's limit
inline constexpr std::size_t max_volume_mount_name_length = 63;

/// `^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`: names of streamlets, inlets, outlets, volume mounts and Kafka
/// clusters.
bool is_dns_name(std::string_view name);

/// A streamlet cannot be called that: stores and topics of ours have names that begin with it and a
/// dot.
inline constexpr std::string_view reserved_streamlet_name = "cloudflow";

/// As `is_dns_name`, and at most 63 characters.
bool is_volume_mount_name(std::string_view name);

/// Identifiers of letters, digits, `_` and `$` joined by dots, none beginning with a digit.
bool is_class_name(std::string_view name);

/// `[a-zA-Z]+(-[a-zA-Z-0-9]+)*`.
bool is_parameter_key(std::string_view key);

/// `[a-zA-Z0-9._-]{1,249}`, but not `.` or `..`, which Kafka refuses.
bool is_topic_name(std::string_view name);

/// `HOST:PORT` or `HOST`, several separated by commas, each perhaps after a protocol (`SSL://`):
/// the list of brokers that Kafka's clients take. A port is a number of 1 to 65535.
bool is_server_list(std::string_view text);

/// The C++ spelling `logproc::log_statistics` becomes `logproc.log_statistics`; anything else stays
/// as it is.
std::string dotted_class_name(std::string_view name);

/// An entry of `producers` or `consumers`, taken apart.
struct port_path {
  std::string streamlet;
  std::string port;

  std::string text() const { return streamlet + "." + port; }
  auto operator<=>(const port_path&) const = default;
};

/// The last part is the port, the rest the streamlet; empty parts do not count. None if it begins
/// with a dot or has fewer than two parts.
std::optional<port_path> parse_port_path(std::string_view text);

/// `My_App.v1` -> `my-app-v1`: lower case, `_` and `.` become `-`, accents are dropped, whatever
/// else is no DNS character too; at most 63 characters. Accents are known for Latin letters up to
/// U+017F.
std::string to_dns_label(std::string_view text);

/// As `to_dns_label` for each part between dots; at most 253 characters.
std::string to_dns_subdomain(std::string_view text);

}  // namespace cloudflow::blueprint
