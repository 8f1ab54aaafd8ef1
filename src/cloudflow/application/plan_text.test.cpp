#include "cloudflow/application/plan_text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cloudflow::app {
namespace {

using testing::HasSubstr;

TEST(plan_text, says_of_each_setting_of_a_topic_which_client_has_it) {
  blueprint::plan plan;
  plan.topics = {{.id = "mails"}};
  plan.topics[0].properties = {{"retention.ms", "1"}};
  plan.topics[0].connection = {{"client.id", "me"}};
  plan.topics[0].producer = {{"linger.ms", "2"}};
  plan.topics[0].consumer = {{"fetch.min.bytes", "3"},
                             {"ssl.key.password", blueprint::setting::secret("a.b")}};
  EXPECT_THAT(to_text(plan), HasSubstr("  property retention.ms = 1\n"
                                       "  connection client.id = me\n"
                                       "  producer linger.ms = 2\n"
                                       "  consumer fetch.min.bytes = 3\n"
                                       "  consumer ssl.key.password = (secret: a.b)\n"));
}

}  // namespace
}  // namespace cloudflow::app
