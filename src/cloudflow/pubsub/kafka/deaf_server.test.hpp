#pragma once

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>
#include <string>

namespace cloudflow::pubsub::kafka {

/// Takes connections on loopback, at a port of its own, and never says a word.
class deaf_server {
public:
  deaf_server() : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof where;
    auto* address = reinterpret_cast<sockaddr*>(&where);
    if (::bind(socket_, address, size) != 0 || ::listen(socket_, 8) != 0 ||
        ::getsockname(socket_, address, &size) != 0)
      throw std::runtime_error{"no port for a server"};
    address_ = fmt::format("127.0.0.1:{}", ntohs(where.sin_port));
  }
  deaf_server(const deaf_server&) = delete;
  deaf_server& operator=(const deaf_server&) = delete;
  ~deaf_server() { ::close(socket_); }

  int socket() const noexcept { return socket_; }
  const std::string& address() const noexcept { return address_; }

private:
  const int socket_;
  std::string address_;
};

}  // namespace cloudflow::pubsub::kafka
