#include "cloudflow/net/response.hpp"

#include <gtest/gtest.h>

namespace cloudflow::net {
namespace {

using namespace std::chrono_literals;

TEST(net_response, has_headers_by_name_in_any_case) {
  const response r{.headers = {{"Content-Type", "a"}, {"X", "first"}, {"x", "second"}}};
  EXPECT_EQ(r.header("content-type"), "a");
  EXPECT_EQ(r.header("X"), "first");
  EXPECT_EQ(r.header("Content-Typ"), "");
}

TEST(net_response, says_how_long_to_wait) {
  constexpr timestamp now{std::chrono::seconds{784111777}};  // 1994-11-06 08:49:37
  const std::pair<const char*, std::optional<std::chrono::seconds>> cases[] = {
      {"", std::nullopt},
      {"0", 0s},
      {"120", 120s},
      {"Sun, 06 Nov 1994 08:50:07 GMT", 30s},
      {"Sunday, 06-Nov-94 08:50:07 GMT", 30s},
      {"Sun Nov  6 08:50:07 1994", 30s},
      {"Sun, 06 Nov 1994 08:49:07 GMT", 0s},
      {"99999999999999999999", std::nullopt},
      {"-5", std::nullopt},
      {"1.5", std::nullopt},
      {"soon", std::nullopt},
  };
  for (const auto& [text, wait] : cases)
    EXPECT_EQ(retry_after({.headers = {{"Retry-After", text}}}, now), wait) << text;
  EXPECT_EQ(retry_after({}, now), std::nullopt);
  EXPECT_EQ(
      retry_after({.headers = {{"retry-after", "Sun, 06 Nov 1994 08:49:39 GMT"}}}, now + 1500ms),
      1s);
}

}  // namespace
}  // namespace cloudflow::net
