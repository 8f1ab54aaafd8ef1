#include "cloudflow/net/internal/proxy.hpp"

#include <gtest/gtest.h>

namespace cloudflow::net::detail {
namespace {

TEST(net_proxy, is_left_out_for_the_hosts_of_a_list) {
  struct one_case {
    std::string_view host, list;
    bool is_in;
  };
  const one_case cases[] = {
      {"example.org", "", false},
      {"example.org", "*", true},
      {"example.org", "example.org", true},
      {"api.example.org", "example.org", true},
      {"api.example.org", ".example.org", true},
      {"example.org", ".example.org", true},
      {"badexample.org", "example.org", false},
      {"example.org", "api.example.org", false},
      {"Example.ORG.", "example.org", true},
      {"example.org", "a.test, example.org", true},
      {"example.org", "a.test example.org b.test", true},
      {"example.org", ",,", false},
      {"example.org", "10.0.0.0/8", false},
      {"10.1.2.3", "10.1.2.3", true},
      {"10.1.2.3", "10.0.0.0/8", true},
      {"11.1.2.3", "10.0.0.0/8", false},
      {"10.1.2.3", "10.1.2.0/30", true},
      {"10.1.2.4", "10.1.2.0/30", false},
      {"10.1.2.3", "0.0.0.0/0", true},
      {"10.1.2.3", "10.1.2.3/32", true},
      {"10.1.2.3", "10.0.0.0/33", false},
      {"10.1.2.3", "10.0.0.0/8x", false},
      {"10.1.2.3", "10.0.0.0/", false},
      {"10.1.2.3", "2.3", false},
      {"::1", "::1", true},
      {"fd00::1", "fd00::/8", true},
      {"fe00::1", "fd00::/8", false},
      {"::1", "0.0.0.0/0", false},
  };
  for (const auto& [host, list, is_in] : cases)
    EXPECT_EQ(is_in_no_proxy(host, list), is_in) << host << " in " << list;
}

}  // namespace
}  // namespace cloudflow::net::detail
