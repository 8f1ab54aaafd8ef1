#include "cloudflow/runtime/schema_reader.hpp"

#include <gtest/gtest.h>

namespace cloudflow::runtime {
namespace {

/// Cannot be reached now.
struct schemas_away final : pubsub::schema_store {
  pubsub::result<void> put(std::string_view, std::string_view) override { return why; }
  pubsub::result<std::optional<std::string>> find(std::string_view) const override { return why; }
  pubsub::error why{.code = pubsub::errc::unavailable, .message = "no broker answers"};
};

TEST(schema_reader,
     that_cannot_ask_for_the_base_schema_says_why_and_whether_it_is_worth_another_try) {
  schemas_away away;
  const auto opened = schema_reader::open(away, "a fingerprint", R"("string")");
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().message, "no broker answers");
  EXPECT_TRUE(opened.error().is_retriable());
}

}  // namespace
}  // namespace cloudflow::runtime
