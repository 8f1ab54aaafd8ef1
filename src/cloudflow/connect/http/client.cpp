#include "cloudflow/connect/http/client.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <fmt/format.h>

#include <charconv>

namespace cloudflow::connect {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::asio::ip::tcp;
using boost::system::error_code;

constexpr std::uint64_t answer_limit = 16 * 1024 * 1024;

/// Connect, write, read, one after another within one deadline.
class exchange {
public:
  exchange(const http_url& url, std::string_view method, std::string body,
           std::string_view content_type)
    : url_(url) {
    request_.version(11);
    request_.method_string(beast::string_view{method.data(), method.size()});
    request_.target(url.target);
    request_.set(http::field::host,
                 url.port == 80 ? url.host : fmt::format("{}:{}", url.host, url.port));
    request_.set(http::field::connection, "close");
    if (!content_type.empty())
      request_.set(http::field::content_type,
                   beast::string_view{content_type.data(), content_type.size()});
    request_.body() = std::move(body);
    request_.prepare_payload();
    parser_.body_limit(answer_limit);
    parser_.skip(method == "HEAD");
  }

  result<http_response, http_client_error> run(std::chrono::milliseconds timeout) {
    error_code ec;
    const auto endpoints = tcp::resolver{io_}.resolve(url_.host, std::to_string(url_.port), ec);
    if (ec) return failure(http_client_errc::unreachable, ec);
    stream_.expires_after(timeout);
    stream_.async_connect(endpoints, [this](error_code failed, const tcp::endpoint&) {
      if (failed) return fail(http_client_errc::unreachable, failed);
      write();
    });
    io_.run();
    if (failed_) return failure(code_, failed_);
    return take_answer();
  }

private:
  void write() {
    http::async_write(stream_, request_, [this](error_code failed, std::size_t) {
      // A server that refuses early may answer and close before it has read all: look for that
      // answer first.
      write_failed_ = failed;
      read();
    });
  }
  void read() {
    http::async_read(stream_, buffer_, parser_, [this](error_code failed, std::size_t) {
      if (failed) fail(http_client_errc::broken, write_failed_ ? write_failed_ : failed);
    });
  }
  void fail(http_client_errc code, error_code failed) {
    code_ = failed == beast::error::timeout ? http_client_errc::timeout : code;
    failed_ = failed;
  }
  http_client_error failure(http_client_errc code, error_code failed) const {
    return {code,
            fmt::format("http://{}:{}{}: {}", url_.host, url_.port, url_.target, failed.message())};
  }
  http_response take_answer() {
    auto message = parser_.release();
    const auto content_type = message[http::field::content_type];
    http_response answer{.status = static_cast<int>(message.result_int()),
                         .body = std::move(message.body()),
                         .content_type = std::string{content_type.data(), content_type.size()},
                         .headers = {}};
    for (const auto& field : message)
      answer.headers.emplace_back(std::string{field.name_string()}, std::string{field.value()});
    return answer;
  }

  const http_url& url_;
  asio::io_context io_{1};
  beast::tcp_stream stream_{io_};
  beast::flat_buffer buffer_;
  http::request<http::string_body> request_;
  http::response_parser<http::string_body> parser_;
  http_client_errc code_ = http_client_errc::broken;
  error_code failed_, write_failed_;
};

}  // namespace

result<http_url> http_url::parse(std::string_view text) {
  constexpr std::string_view scheme = "http://";
  const auto objection = [&](std::string_view why) {
    return error{fmt::format(
        "'{}' cannot be called: {}; write for example http://127.0.0.1:8080/path", text, why)};
  };
  if (!text.starts_with(scheme)) return objection("it does not begin with http://");
  for (const char c : text)
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7F)
      return objection("it has a space or control character");
  const auto rest = text.substr(scheme.size(), text.find('#') - scheme.size());
  const auto path = std::min(rest.find_first_of("/?"), rest.size());
  auto authority = rest.substr(0, path);
  http_url url;
  if (path != rest.size())
    url.target = (rest[path] == '?' ? "/" : "") + std::string{rest.substr(path)};
  const auto colon = authority.rfind(':');
  if (colon != authority.npos && authority.find(']', colon) == authority.npos) {
    const auto port = authority.substr(colon + 1);
    const auto [end, ec] = std::from_chars(port.data(), port.data() + port.size(), url.port);
    if (ec != std::errc{} || end != port.data() + port.size() || url.port == 0)
      return objection("the port is none");
    authority = authority.substr(0, colon);
  }
  if (authority.starts_with('[') && authority.ends_with(']'))
    authority = authority.substr(1, authority.size() - 2);
  if (authority.empty() || authority.find('@') != authority.npos)
    return objection("it names no host");
  url.host = authority;
  return url;
}

result<http_response, http_client_error> send_http(const http_url& url, std::string_view method,
                                                   std::string body, std::string_view content_type,
                                                   std::chrono::milliseconds timeout) {
  return exchange{url, method, std::move(body), content_type}.run(timeout);
}

}  // namespace cloudflow::connect
