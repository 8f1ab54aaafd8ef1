#include "cloudflow/net/response.hpp"

#include "cloudflow/base/ascii.hpp"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>

namespace cloudflow::net {

std::string_view response::header(std::string_view name) const noexcept {
  const auto found = std::ranges::find_if(headers, [&](const header_field& one) {
    return std::ranges::equal(one.name, name, {}, to_lower, to_lower);
  });
  return found == headers.end() ? std::string_view{} : found->value;
}

std::optional<std::chrono::seconds> retry_after(const response& answer, timestamp now) {
  const std::string text{answer.header("Retry-After")};
  if (text.empty()) return std::nullopt;
  if (std::ranges::all_of(text, is_digit)) {
    int seconds = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    if (ec != std::errc{}) return std::nullopt;
    return std::chrono::seconds{seconds};
  }
  const auto date = curl_getdate(text.c_str(), nullptr);
  if (date < 0) return std::nullopt;
  const auto wait = std::chrono::sys_seconds{std::chrono::seconds{date}} - now;
  return std::max(std::chrono::ceil<std::chrono::seconds>(wait), std::chrono::seconds{0});
}

}  // namespace cloudflow::net
