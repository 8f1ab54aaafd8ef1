#include "cloudflow/net/url.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cloudflow::net {
namespace {

TEST(net_url, has_the_parts_of_its_text) {
  const std::pair<std::string_view, url> cases[] = {
      {"http://localhost:8080/a?b=c#d", {"http", "localhost", 8080, "/a?b=c"}},
      {"https://[::1]", {"https", "::1", 443, "/"}},
      {"HTTP://Example.org?q", {"http", "Example.org", 80, "/?q"}},
      {"https://user:word@h/a/../b", {"https", "h", 443, "/a/../b"}},
  };
  for (const auto& [text, parts] : cases) EXPECT_EQ(url::parse(text).value(), parts) << text;
}

TEST(net_url, is_refused_with_a_reason) {
  for (const auto* bad : {"", "localhost", "ftp://h/", "http://", "http://h:0/", "http://h:x/",
                          "http://h:65536/", "http://h/a b", "http://h/\r\nX: y", "http://[::1/"}) {
    const auto parsed = url::parse(bad);
    ASSERT_FALSE(parsed) << bad;
    EXPECT_EQ(parsed.error().code, errc::invalid_request);
    EXPECT_THAT(parsed.error().message, testing::EndsWith("https://example.org/path"));
  }
}

TEST(net_url, shows_no_secrets) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"https://h:1/p?limit=5&watch", "https://h:1/p?limit=5&watch"},
      {"https://user:word@h/p", "https://***@h/p"},
      {"https://us@er:w@h?a=b", "https://***@h?a=b"},
      {"user:word@h/p", "***@h/p"},
      {"http://h/@x?y=@z", "http://h/@x?y=@z"},
      {"http://h/?token=abc&x=1&X-Amz-Signature=d&apiKey=e;session_id=f&pass=",
       "http://h/?token=***&x=1&X-Amz-Signature=***&apiKey=***;session_id=***&pass=***"},
      {"http://h/?token", "http://h/?token"},
      {"http://h/?a=1&ACCESS_TOKEN=a=b", "http://h/?a=1&ACCESS_TOKEN=***"},
      {"http://h/\r\nx\x7F", "http://h/??x?"},
      {"", ""},
  };
  for (const auto& [text, shown] : cases) EXPECT_EQ(without_secrets(text), shown);
}

}  // namespace
}  // namespace cloudflow::net
