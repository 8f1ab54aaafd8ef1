#include "cloudflow/operate/offset_set.hpp"

#include <gtest/gtest.h>

namespace cloudflow::operate {
namespace {

std::string read(const char* text) {
  const auto set = offset_set::parse(text);
  return set ? set->text() : "none";
}

TEST(offset_set, is_written_as_ranges_whatever_the_order) {
  EXPECT_EQ(read("9,3-5,6-7"), "3-7,9");
  EXPECT_EQ(read("1-9,2-3"), "1-9");
  EXPECT_EQ(read("5,1-9"), "1-9");
  EXPECT_EQ(read("4,2,3"), "2-4");
  EXPECT_EQ(read("9223372036854775807"), "9223372036854775807");
}

TEST(offset_set, knows_what_it_has) {
  const auto set = offset_set::parse("3-5,9").value();
  std::string has;
  for (std::int64_t n = 0; n != 12; ++n) has += set.has(record_offset{n}) ? '1' : '0';
  EXPECT_EQ(has, "000111000100");
}

TEST(offset_set, is_not_read_from_anything_else) {
  for (const char* text : {"", ",", "1,", "1-", "-1", "5-3", "1 2", "x", "1-2-3"})
    EXPECT_EQ(read(text), "none") << text;
}

}  // namespace
}  // namespace cloudflow::operate
