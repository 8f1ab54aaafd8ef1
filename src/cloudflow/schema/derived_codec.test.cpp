#include "cloudflow/schema/derived_codec.hpp"

#include "cloudflow/schema/avro_schema.hpp"
#include "cloudflow/schema/resolution.hpp"

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

// The same types in an earlier and a later version of a program.
namespace before {
enum class level : std::uint8_t { low, high };
struct call {
  std::int64_t calls = 0, duration = 0;
  level how = level::low;
  std::chrono::seconds lasted{};
};
struct in_minutes {
  std::chrono::minutes lasted{};
};
struct in_metres {
  std::int64_t metres = 0;
};
}  // namespace before
namespace after {
enum class level : std::uint8_t { none, high, low };
struct call {
  std::chrono::seconds lasted{};
  std::int64_t duration = 0, calls = 0;
  level how = level::low;
  bool operator==(const call&) const = default;
};
struct in_minutes {
  std::chrono::seconds lasted{};
};
struct in_metres {
  std::int64_t feet = 0;
};
}  // namespace after
namespace without_low {
enum class level : std::uint8_t { high };
}  // namespace without_low

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
            R"({"name":"messages","type":"long"},{"name":"problems","type":"long"}]})");
  EXPECT_EQ(codec<shop::counts>::schema_name, "shop.counts");
  EXPECT_EQ(codec<int>::schema_text, R"("int")");
  EXPECT_EQ(codec<int>::schema_name, "int");
  EXPECT_EQ(codec<cloudflow::timestamp>::schema_text,
            R"({"type":"long","logicalType":"timestamp-millis"})");
  EXPECT_EQ(codec<cloudflow::timestamp>::schema_name, "long");
  EXPECT_EQ(codec<std::optional<int>>::schema_name, "union");
}

/// The schema that the earlier program wrote: its types had the names that those of `After` have
/// now.
template <class Before, class After>
cloudflow::schema::avro_schema earlier() {
  std::string now{codec<Before>::schema_text};
  const auto name = codec<After>::schema_name;
  const std::string space{name.substr(0, name.rfind('.') + 1)};
  constexpr std::string_view then = "before.";
  for (auto at = now.find(then); at != now.npos; at = now.find(then))
    now.replace(at, then.size(), space);
  return cloudflow::schema::parse_avro(now).value();
}

template <class Before, class After>
std::vector<std::string> incompatibilities() {
  const auto writer = earlier<Before, After>();
  const auto reader = cloudflow::schema::parse_avro(codec<After>::schema_text);
  return cloudflow::schema::incompatibilities(writer, *reader);
}

TEST(fault_b7, members_and_enumerators_that_change_their_places_keep_their_values) {
  const auto writer = earlier<before::call, after::call>();
  const auto reader = cloudflow::schema::parse_avro(codec<after::call>::schema_text);
  ASSERT_TRUE(reader);
  EXPECT_TRUE((incompatibilities<before::call, after::call>().empty()));
  const auto how = cloudflow::schema::resolution::compile(writer, *reader);
  byte_writer resolved;
  const before::call stored{3, 40, before::level::high, std::chrono::seconds{7}};
  ASSERT_TRUE(how->transcode(encoded(stored), resolved));
  after::call read;
  ASSERT_TRUE(codec<after::call>::decode(resolved.view(), read));
  EXPECT_EQ(read, (after::call{std::chrono::seconds{7}, 40, 3, after::level::high}));
}

TEST(fault_b7, a_member_of_another_name_or_unit_is_another_member) {
  EXPECT_FALSE((incompatibilities<before::in_metres, after::in_metres>().empty()));
  EXPECT_FALSE((incompatibilities<before::in_minutes, after::in_minutes>().empty()));
  EXPECT_FALSE((incompatibilities<before::level, without_low::level>().empty()));
}

TEST(fault_b7, an_enum_says_its_names_and_keeps_values_that_have_none) {
  EXPECT_EQ(codec<shop::level>::schema_text,
            R"({"type":"record","name":"shop.level","fields":[{"name":"value","type":[)"
            R"({"type":"enum","name":"shop.level_enumerator","symbols":["low","high"]},"int"]}]})");
  expect_to_come_back(shop::level::high);
  expect_to_come_back(static_cast<shop::level>(200));
}

TEST(derived_codec, names_members_of_pairs_and_tuples) {
  EXPECT_NE(codec<shop::everything>::schema_text.find(R"({"name":"second","type":"string"})"),
            std::string_view::npos);
  const std::string_view text = codec<std::tuple<int, bool>>::schema_text;
  EXPECT_NE(text.find(R"({"name":"f0","type":"int"},{"name":"f1","type":"boolean"})"),
            std::string_view::npos)
      << text;
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
