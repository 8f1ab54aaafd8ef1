#include "cloudflow/schema/derived_codec.hpp"

#include "cloudflow/schema/avro_schema.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <set>
#include <unordered_map>
#include <vector>

namespace shop {

enum class level : std::uint8_t { low, high };

struct counts {
  std::int64_t messages = 0, problems = 0;
  bool operator==(const counts&) const = default;
};

struct everything {
  bool flag = false;
  std::int8_t tiny = 0;
  std::uint32_t wide = 0;
  std::uint64_t widest = 0;
  float single = 0;
  double precise = 0;
  level how = level::low;
  std::string text{};
  cloudflow::timestamp at{};
  std::chrono::nanoseconds took{};
  std::chrono::duration<double> share{};
  std::optional<std::string> maybe{};
  std::vector<counts> list{};
  std::map<std::string, counts> named{};
  std::unordered_map<int, std::string> numbered{};
  std::set<int> unique{};
  std::deque<bool> flags{};
  std::pair<int, std::string> pair{};
  counts inner{};
  bool operator==(const everything&) const = default;
};

struct borrowing {
  std::string_view text;
};
struct nothing {
  bool operator==(const nothing&) const = default;
};

}  // namespace shop

namespace {

using cloudflow::byte_writer;
using cloudflow::codec;

static_assert(cloudflow::encodable<shop::counts> && cloudflow::encodable<shop::everything>);
static_assert(!cloudflow::encodable<shop::borrowing> && !cloudflow::encodable<int*>);
static_assert(codec<shop::counts>::is_derived);

template <class T>
std::string encoded(const T& value) {
  byte_writer out;
  codec<T>::encode(value, out);
  return std::string{out.view()};
}

template <class T>
void expect_to_come_back(const T& value) {
  T again{};
  const auto bytes = encoded(value);
  EXPECT_TRUE(codec<T>::decode(bytes, again));
  EXPECT_EQ(again, value);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(codec<T>::decode(std::string_view{bytes}.substr(0, size), again));
}

shop::everything some() {
  return {.flag = true,
          .tiny = -128,
          .wide = 4'000'000'000,
          .widest = 18'000'000'000'000'000'000U,
          .single = 1.5F,
          .precise = -0.1,
          .how = shop::level::high,
          .text = "text",
          .at = cloudflow::timestamp{std::chrono::milliseconds{-5}},
          .took = std::chrono::hours{7},
          .share = std::chrono::duration<double>{0.25},
          .maybe = "",
          .list = {{1, 2}, {3, 4}},
          .named = {{"a", {5, 6}}},
          .numbered = {{-1, "minus"}, {1, "plus"}},
          .unique = {3, 1},
          .flags = {true, false},
          .pair = {7, "seven"},
          .inner = {8, 9}};
}

TEST(derived_codec, gives_back_what_it_was_given) {
  expect_to_come_back(some());
  expect_to_come_back(shop::everything{});
  expect_to_come_back(shop::counts{std::numeric_limits<std::int64_t>::min(), 1});
  expect_to_come_back(true);
  expect_to_come_back(std::int64_t{-1});
  expect_to_come_back(2.5);
  expect_to_come_back(shop::level::high);
  expect_to_come_back(std::chrono::milliseconds{12});
  expect_to_come_back(std::vector<std::string>{"a", ""});
}

TEST(derived_codec, writes_avro_with_members_in_their_order) {
  EXPECT_EQ(encoded(shop::counts{1, -2}), std::string("\x02\x03"));
  EXPECT_EQ(encoded(shop::nothing{}), "");
}

TEST(derived_codec, describes_itself_with_a_schema_made_from_the_type) {
  EXPECT_EQ(codec<shop::counts>::schema_text,
            R"({"type":"record","name":"shop.counts","fields":[)"
            R"({"name":"f0","type":"long"},{"name":"f1","type":"long"}]})");
  EXPECT_EQ(codec<shop::counts>::schema_name, "shop.counts");
  EXPECT_EQ(codec<int>::schema_text, R"("int")");
  EXPECT_EQ(codec<int>::schema_name, "int");
  EXPECT_EQ(codec<cloudflow::timestamp>::schema_text,
            R"({"type":"long","logicalType":"timestamp-millis"})");
  EXPECT_EQ(codec<cloudflow::timestamp>::schema_name, "long");
  EXPECT_EQ(codec<std::optional<int>>::schema_name, "union");
}

TEST(derived_codec, has_a_schema_that_parses_and_a_fingerprint_that_is_that_schemas) {
  const auto schema = cloudflow::schema::parse_avro(codec<shop::everything>::schema_text);
  ASSERT_TRUE(schema) << schema.error().message;
  EXPECT_EQ(schema->name(), "shop.everything");
  EXPECT_EQ(schema->fingerprint(), codec<shop::everything>::fingerprint);
  EXPECT_NE(codec<shop::everything>::fingerprint, codec<shop::counts>::fingerprint);
}

TEST(derived_codec, refuses_values_out_of_range_and_counts_that_the_bytes_cannot_hold) {
  std::int8_t tiny = 0;
  EXPECT_FALSE(codec<std::int8_t>::decode(encoded(std::int64_t{128}), tiny));
  std::vector<std::int64_t> list;
  byte_writer huge;
  huge.put_long(std::numeric_limits<std::int64_t>::max());
  EXPECT_FALSE(codec<decltype(list)>::decode(huge.view(), list));
  std::vector<shop::nothing> nothings;
  huge.put_long(0);
  EXPECT_FALSE(codec<decltype(nothings)>::decode(huge.view(), nothings));
}

}  // namespace
