#include "cloudflow/sandbox/socket.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace cloudflow::sandbox {

std::optional<sockaddr_un> address_of(const std::filesystem::path& socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto text = socket.string();
  if (text.size() >= sizeof address.sun_path) return {};
  std::memcpy(address.sun_path, text.c_str(), text.size() + 1);
  return address;
}

int connect_to(const std::filesystem::path& socket) {
  const auto address = address_of(socket);
  if (!address) return -1;
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&*address), sizeof *address) == 0) return fd;
  ::close(fd);
  return -1;
}

bool is_port_taken(const std::string& address, std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const int yes = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(port);
  const bool is_taken = ::inet_pton(AF_INET, address.c_str(), &where.sin_addr) == 1 &&
                        ::bind(fd, reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0 &&
                        errno == EADDRINUSE;
  ::close(fd);
  return is_taken;
}

}  // namespace cloudflow::sandbox
