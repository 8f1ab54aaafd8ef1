#pragma once

#include <sys/socket.h>
#include <sys/un.h>

#include <filesystem>
#include <optional>

namespace cloudflow::sandbox {

/// None when the path does not fit into a socket's address.
std::optional<sockaddr_un> address_of(const std::filesystem::path& socket);

/// A connected socket, which the caller closes; -1 when nobody listens there.
int connect_to(const std::filesystem::path& socket);

}  // namespace cloudflow::sandbox
