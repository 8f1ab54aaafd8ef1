#pragma once

#include "cloudflow/pubsub/kafka/deaf_server.test.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
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
  token_server()
    : url_(fmt::format("http://{}/token", listener_.address())), thread_([this] { serve(); }) {}
  token_server(const token_server&) = delete;
  token_server& operator=(const token_server&) = delete;
  ~token_server() {
    ::shutdown(listener_.socket(), SHUT_RDWR);
    thread_.join();
  }

  const std::string& url() const noexcept { return url_; }

private:
  void serve() const {
    while (true) {
      const int connection = ::accept(listener_.socket(), nullptr, nullptr);
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

  const deaf_server listener_;
  const std::string url_;
  std::thread thread_;
};

}  // namespace cloudflow::pubsub::kafka
