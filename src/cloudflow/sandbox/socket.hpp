#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace cloudflow::sandbox {

/// None when the path does not fit into a socket's address.
std::optional<sockaddr_un> address_of(const std::filesystem::path& socket);

/// A connected socket, which the caller closes; -1 when nobody listens there.
int connect_to(const std::filesystem::path& socket);

/// Whether somebody listens at a port of an IPv4 address. False where that cannot be told.
bool is_port_taken(const std::string& address, std::uint16_t port);

}  // namespace cloudflow::sandbox
