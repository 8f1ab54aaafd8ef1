#include "cloudflow/connect/http/message.hpp"

#include "cloudflow/base/ascii.hpp"

#include <algorithm>

namespace cloudflow::connect {

namespace {

constexpr std::string_view retry_after_seconds = "1";

}  // namespace

std::string_view header_of(const http_headers& headers, std::string_view name) noexcept {
  for (const auto& [key, value] : headers)
    if (std::ranges::equal(key, name, {}, to_lower, to_lower)) return value;
  return {};
}

http_response text_response(int status, std::string_view text) {
  return {.status = status, .body = std::string{text} + "\n", .headers = {}};
}

http_response overloaded_response(std::string_view text) {
  auto response = text_response(503, text);
  response.headers.emplace_back("Retry-After", retry_after_seconds);
  return response;
}

}  // namespace cloudflow::connect
