#pragma once

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>

namespace cloudflow::pubsub::kafka {

/// Base64 for URLs, without padding.
inline std::string to_base64url(std::string_view bytes) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string text;
  unsigned held = 0, bits = 0;
  for (const char c : bytes) {
    held = held << 8 | static_cast<unsigned char>(c);
    for (bits += 8; bits >= 6; bits -= 6) text.push_back(digits[held >> (bits - 6) & 63]);
  }
  if (bits != 0) text.push_back(digits[held << (6 - bits) & 63]);
  return text;
}

/// A token that nobody has signed, for the user `app`; it lasts an hour.
inline std::string new_token() {
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(
                       std::chrono::system_clock::now().time_since_epoch())
                       .count();
  return fmt::format(
      "{}.{}.", to_base64url(R"({"alg":"none"})"),
      to_base64url(fmt::format(R"({{"sub":"app","iat":{},"exp":{}}})", now, now + 3600)));
}

/// A server that gives a token to everybody, as OAuth has it.
class token_server {
public:
  token_server() : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof where;
    auto* address = reinterpret_cast<sockaddr*>(&where);
    if (::bind(socket_, address, size) != 0 || ::listen(socket_, 8) != 0 ||
        ::getsockname(socket_, address, &size) != 0)
      throw std::runtime_error{"no port for a server of tokens"};
    url_ = fmt::format("http://127.0.0.1:{}/token", ntohs(where.sin_port));
    thread_ = std::thread{[this] { serve(); }};
  }
  token_server(const token_server&) = delete;
  token_server& operator=(const token_server&) = delete;
  ~token_server() {
    ::shutdown(socket_, SHUT_RDWR);
    thread_.join();
    ::close(socket_);
  }

  const std::string& url() const noexcept { return url_; }

private:
  void serve() const {
    while (true) {
      const int connection = ::accept(socket_, nullptr, nullptr);
      if (connection < 0) return;
      answer(connection);
      ::close(connection);
    }
  }
  static void answer(int connection) {
    std::string request;
    std::array<char, 4096> buf{};
    while (request.find("grant_type=client_credentials") == std::string::npos) {
      const auto got = ::recv(connection, buf.data(), buf.size(), 0);
      if (got <= 0) return;
      request.append(buf.data(), static_cast<std::size_t>(got));
    }
    const auto body = fmt::format(
        R"({{"access_token":"{}","token_type":"Bearer","expires_in":3600}})", new_token());
    const auto reply = fmt::format(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n"
        "Connection: close\r\n\r\n{}",
        body.size(), body);
    ::send(connection, reply.data(), reply.size(), MSG_NOSIGNAL);
  }

  const int socket_;
  std::string url_;
  std::thread thread_;
};

}  // namespace cloudflow::pubsub::kafka
