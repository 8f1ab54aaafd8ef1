#include "cloudflow/net/error.hpp"

#include <gtest/gtest.h>

namespace cloudflow::net {
namespace {

TEST(net_error, says_whether_the_request_may_be_sent_again) {
  EXPECT_EQ(way_on_after(errc::unreachable), (way_on{.is_retriable = true}));
  EXPECT_EQ(way_on_after(errc::connection_broken),
            (way_on{.is_retriable = true, .may_have_arrived = true}));
  EXPECT_EQ(way_on_after(errc::certificate_untrusted), way_on{});
  EXPECT_EQ(plain({errc::idle_timeout, "late"}), (cloudflow::error{"late", true}));
}

}  // namespace
}  // namespace cloudflow::net
