#include "cloudflow/pubsub/error.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace cloudflow::pubsub {
namespace {

using testing::ElementsAre;

/// Of all codes, in their order.
std::vector<errc> codes_with(way_on wanted) {
  std::vector<errc> found;
  for (auto code = 0; code <= static_cast<int>(last_errc); ++code)
    if (const error e{static_cast<errc>(code), {}};
        way_on{e.is_retriable(), e.is_fatal()} == wanted)
      found.push_back(e.code);
  return found;
}

TEST(error, of_what_may_pass_is_tried_again_in_the_same_session) {
  EXPECT_THAT(codes_with({.is_retriable = true, .is_fatal = false}),
              ElementsAre(errc::disk_full, errc::in_use, errc::unavailable));
}

TEST(error, of_what_nobody_mends_by_waiting_is_neither_tried_again_nor_ends_the_session) {
  EXPECT_THAT(codes_with({.is_retriable = false, .is_fatal = false}),
              ElementsAre(errc::topic_not_found, errc::topic_mismatch, errc::offset_out_of_range,
                          errc::record_too_large, errc::rebalanced, errc::denied, errc::unsupported,
                          errc::failed));
}

TEST(error, that_ends_the_session_sends_its_owner_back_to_the_last_commit) {
  EXPECT_THAT(codes_with({.is_retriable = false, .is_fatal = true}),
              ElementsAre(errc::corrupt, errc::fenced, errc::outcome_unknown, errc::must_restart,
                          errc::session_failed, errc::session_denied));
}

TEST(error, of_a_session_that_was_lost_is_tried_again_in_another_one) {
  EXPECT_THAT(codes_with({.is_retriable = true, .is_fatal = true}),
              ElementsAre(errc::session_lost));
}

TEST(error, of_no_known_kind_is_not_tried_again) {
  const auto beyond = static_cast<errc>(static_cast<int>(last_errc) + 1);
  EXPECT_EQ(way_on_after(beyond), way_on{});
  EXPECT_EQ(error{}.code, errc::failed);
}

TEST(error, keeps_for_those_further_out_whether_it_may_be_tried_again) {
  EXPECT_EQ(plain({errc::unavailable, "away"}), (cloudflow::error{"away", true}));
  EXPECT_EQ(plain({errc::session_lost, "gone"}), (cloudflow::error{"gone", true}));
  EXPECT_EQ(plain({errc::failed, "no"}), (cloudflow::error{"no", false}));
  EXPECT_EQ(plain({errc::fenced, "another"}), (cloudflow::error{"another", false}));
}

}  // namespace
}  // namespace cloudflow::pubsub
