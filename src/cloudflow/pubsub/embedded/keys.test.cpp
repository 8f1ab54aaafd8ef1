#include "cloudflow/pubsub/embedded/internal/keys.hpp"

#include <gtest/gtest.h>

namespace cloudflow::pubsub::embedded {
namespace {

TEST(keys, of_topics_and_of_first_offsets_never_meet) {
  EXPECT_TRUE(topic_key("first/").starts_with(topic_prefix));
  EXPECT_TRUE(first_key({}).starts_with(first_prefix));
}

}  // namespace
}  // namespace cloudflow::pubsub::embedded
