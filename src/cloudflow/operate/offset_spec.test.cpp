#include "cloudflow/operate/offset_spec.hpp"

#include "cloudflow/operate/fixture.test.hpp"

namespace cloudflow::operate {
namespace {

class offset_specs : public small_application {
protected:
  /// Ten records, a second apart from each other.
  offset_specs() {
    EXPECT_TRUE(log->ensure_topic({.name = "t", .partitions = 1}));
    for (int n = 0; n != 10; ++n) {
      send("t", 0, {{"a", at(n), "x"}});
      clock.advance(1s);
    }
  }
  std::string found(std::string_view text,
                    pubsub::partition_range range = {record_offset{2}, record_offset{10}}) {
    const auto offset = where(text).in(*log, {"t", partition_id{0}}, range);
    return offset ? std::to_string(offset->value()) : offset.error().message;
  }
};

TEST_F(offset_specs, are_ends_offsets_counts_and_times) {
  EXPECT_EQ(found("beginning"), "2");
  EXPECT_EQ(found("earliest"), "2");
  EXPECT_EQ(found("end"), "10");
  EXPECT_EQ(found("latest"), "10");
  EXPECT_EQ(found("7"), "7");
  EXPECT_EQ(found("-3"), "7");
  EXPECT_EQ(found("-3s"), "7");
  EXPECT_EQ(found(to_iso8601(clock.now() - 4s)), "6");
}

TEST_F(offset_specs, keep_to_what_the_partition_holds) {
  EXPECT_EQ(found("-30"), "2");
  EXPECT_EQ(found("-2h"), "2");
  EXPECT_EQ(found("2001-01-01"), "2");
  EXPECT_EQ(found("2999-01-01"), "10");
  EXPECT_EQ(found("1"), "t/0 has no offset 1: it holds 2 to 10");
  EXPECT_EQ(
      where("1").near(*log, {"t", partition_id{0}}, {record_offset{2}, record_offset{10}}).value(),
      record_offset{2});
}

TEST_F(offset_specs, that_are_none_are_refused_with_those_there_are) {
  for (const char* text : {"", "now", "--2h", "-", "2h", "-soon", "7.5", "2026-13-01"}) {
    const auto parsed = offset_spec::parse(text, clock.now());
    ASSERT_FALSE(parsed) << text;
    EXPECT_THAT(parsed.error().message, testing::HasSubstr("write beginning, end, an offset, -N"));
  }
}

}  // namespace
}  // namespace cloudflow::operate
