/// Requests and answers, without any library's types.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudflow::connect {

using http_headers = std::vector<std::pair<std::string, std::string>>;

/// The value of the first header of that name, in any case; empty where there is none. Borrowed
/// from `headers`.
std::string_view header_of(const http_headers& headers, std::string_view name) noexcept;

/// A value; refers to nothing.
struct http_request {
  std::string method{};  ///< `GET`, `POST` ...
  std::string path{};    ///< without the query, as it was sent (no %XX decoded)
  std::string query{};   ///< behind the `?`, or empty
  http_headers headers{};
  std::string body{};
  std::string peer{};  ///< `127.0.0.1:40312`
};

/// A value; refers to nothing.
struct http_response {
  int status = 200;
  std::string body{};
  std::string content_type = "text/plain; charset=utf-8";
  http_headers headers{};  ///< others; the server adds Content-Length, Connection and Server itself
};

/// An answer with `text` and a line end as its body.
http_response text_response(int status, std::string_view text);
/// 503 with Retry-After.
http_response overloaded_response(std::string_view text);

}  // namespace cloudflow::connect
