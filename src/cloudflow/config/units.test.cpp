#include "cloudflow/config/value.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace cloudflow::config {
namespace {

using namespace std::chrono_literals;

constexpr auto max = std::numeric_limits<std::int64_t>::max();

TEST(duration, has_a_unit_or_counts_milliseconds) {
  EXPECT_EQ(parse_duration("10 s"), 10s);
  EXPECT_EQ(parse_duration(" 100ms "), 100ms);
  EXPECT_EQ(parse_duration("2 minutes"), 2min);
  EXPECT_EQ(parse_duration("1 millisecond"), 1ms);
  EXPECT_EQ(parse_duration("3 micros"), 3us);
  EXPECT_EQ(parse_duration("3nano"), 3ns);
  EXPECT_EQ(parse_duration("1 day"), 24h);
  EXPECT_EQ(parse_duration("250"), 250ms);
  EXPECT_EQ(parse_duration("1.5 h"), 90min);
  EXPECT_EQ(parse_duration("-1 s"), -1s);
  EXPECT_EQ(parse_duration("+1 s"), 1s);
}

TEST(duration, of_other_text_is_none) {
  for (const auto* text : {"", "s", "10 parsecs", "10 S", "1,5 s", "10 s s", "ten s", "1e s",
                           "1 weeks", "+-1 s", "inf s"}) {
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
  }
}

TEST(duration, longer_than_can_be_counted_is_the_longest) {
  EXPECT_EQ(parse_duration("1000000 days"), std::chrono::nanoseconds{max});
  EXPECT_EQ(parse_duration("1e30 days"), std::chrono::nanoseconds{max});
}

TEST(duration, is_written_in_its_largest_whole_unit) {
  EXPECT_EQ(format_duration(90s), "90 s");
  EXPECT_EQ(format_duration(120s), "2 m");
  EXPECT_EQ(format_duration(1500ms), "1500 ms");
  EXPECT_EQ(format_duration(0s), "0 ns");
  for (const auto d : {-90s, 0s, 86'400s, 61s}) EXPECT_EQ(parse_duration(format_duration(d)), d);
}

TEST(memory_size, has_a_unit_or_counts_bytes) {
  EXPECT_EQ(parse_memory_size("1024"), 1024);
  EXPECT_EQ(parse_memory_size("64 MiB"), 64 << 20);
  EXPECT_EQ(parse_memory_size("512M"), 512 << 20);
  EXPECT_EQ(parse_memory_size("512m"), 512 << 20);
  EXPECT_EQ(parse_memory_size("1kB"), 1000);
  EXPECT_EQ(parse_memory_size("1K"), 1024);
  EXPECT_EQ(parse_memory_size("1 Ki"), 1024);
  EXPECT_EQ(parse_memory_size("3 megabytes"), 3'000'000);
  EXPECT_EQ(parse_memory_size("3 mebibyte"), 3 << 20);
  EXPECT_EQ(parse_memory_size("1.5 GB"), 1'500'000'000);
  EXPECT_EQ(parse_memory_size("1.1 GiB"), 1'181'116'006);
  EXPECT_EQ(parse_memory_size("7 B"), 7);
  EXPECT_EQ(parse_memory_size("0.5 EiB"), std::int64_t{1} << 59);
  EXPECT_EQ(parse_memory_size("9223372036854775807"), max);
}

TEST(memory_size, that_is_none_or_too_large_is_none) {
  for (const auto* text : {"", "MB", "1 KB", "1 mb", "-1", "1 XB", "8 EiB", "9223372036854775808",
                           "1 ZB", "x", "nan"}) {
    EXPECT_EQ(parse_memory_size(text), std::nullopt) << text;
  }
}

TEST(memory_size, is_written_in_its_largest_whole_unit) {
  EXPECT_EQ(format_memory_size(64 << 20), "64 MiB");
  EXPECT_EQ(format_memory_size(1000), "1000 B");
  EXPECT_EQ(format_memory_size(0), "0 B");
  EXPECT_EQ(parse_memory_size(format_memory_size(max)), max);
}

TEST(boolean, is_one_of_six_words) {
  for (const auto* text : {"true", "yes", "on"}) EXPECT_EQ(parse_bool(text), true);
  for (const auto* text : {"false", "no", "off"}) EXPECT_EQ(parse_bool(text), false);
  for (const auto* text : {"", "True", "1", "y"}) EXPECT_EQ(parse_bool(text), std::nullopt);
}

// -- suggestions ----------------------------------------------------------------------------------

TEST(nearest, is_what_was_meant) {
  const std::vector<std::string> keys{"streamlets", "topics", "volume-mounts", "cp"};
  EXPECT_EQ(nearest("streamlet", keys), "streamlets");
  EXPECT_EQ(nearest("tpoics", keys), "topics");
  EXPECT_EQ(nearest("Volume-Mount", keys), "volume-mounts");
}

TEST(nearest, is_nothing_when_nothing_is_near) {
  const std::vector<std::string> keys{"streamlets", "topics", "x"};
  EXPECT_EQ(nearest("connections", keys), std::nullopt);
  EXPECT_EQ(nearest("y", keys), std::nullopt);
  EXPECT_EQ(nearest("topics", std::vector<std::string>{}), std::nullopt);
  EXPECT_EQ(nearest("", keys), std::nullopt);
}

TEST(excerpt, shows_the_line_with_a_caret) {
  EXPECT_EQ(excerpt("a\n\tb = ?\nc", {nullptr, 2, 6}), "    \tb = ?\n    \t    ^\n");
  EXPECT_EQ(excerpt("é = ?\r\n", {nullptr, 1, 5}), "    é = ?\n        ^\n");
  EXPECT_EQ(excerpt("ab", {nullptr, 1, 3}), "    ab\n      ^\n");
}

TEST(excerpt, of_a_place_that_is_not_there_is_empty) {
  EXPECT_EQ(excerpt("a", {nullptr, 2, 1}), "");
  EXPECT_EQ(excerpt("a", {nullptr, 1, 3}), "");
  EXPECT_EQ(excerpt("a", {}), "");
}

}  // namespace
}  // namespace cloudflow::config
