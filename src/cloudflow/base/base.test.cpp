#include "cloudflow/base/base64.hpp"
#include "cloudflow/base/bytes.hpp"
#include "cloudflow/base/hash.hpp"
#include "cloudflow/base/log.hpp"
#include "cloudflow/base/record.hpp"
#include "cloudflow/base/result.hpp"
#include "cloudflow/base/time.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string_view>

namespace cloudflow {
namespace {

static_assert(std::is_nothrow_move_constructible_v<result<std::string>>);
static_assert(!std::is_convertible_v<int, record_offset>);

TEST(result, hands_an_error_on_and_a_value_out) {
  const auto number = [](bool is_there) -> result<std::unique_ptr<int>> {
    if (!is_there) return error{"no number"};
    return std::make_unique<int>(1);
  };
  const auto check = [](int n) -> result<void> {
    if (n > 9) return error{"too large"};
    return {};
  };
  int destroyed = 0;
  const auto text = [&](bool is_there, int add) -> result<std::string> {
    const std::shared_ptr<void> counts{nullptr, [&destroyed](void*) { ++destroyed; }};
    auto n = CLOUDFLOW_TRY(number(is_there));
    *n += add;
    CLOUDFLOW_TRY(check(*n));
    return std::to_string(*n);
  };
  EXPECT_EQ(text(true, 2).value(), "3");
  EXPECT_EQ(text(false, 2).error().message, "no number");
  EXPECT_EQ(text(true, 9).error().message, "too large");
  EXPECT_EQ(destroyed, 3);
}

TEST(result, of_which_others_keep_hold_is_copied_when_it_is_handed_on) {
  const result<std::string> kept{"text"};
  const auto copied = [&]() -> result<std::string> { return CLOUDFLOW_TRY(kept) + "!"; };
  EXPECT_EQ(copied().value(), "text!");
  EXPECT_EQ(kept.value(), "text");
}

TEST(result, holds_a_value_or_an_error) {
  const auto half = [](int n) -> result<int> {
    if (n % 2 != 0) return error{"odd"};
    return n / 2;
  };
  EXPECT_EQ(half(4).value(), 2);
  EXPECT_EQ(half(3).error().message, "odd");
  EXPECT_EQ(half(8).and_then(half).value(), 2);
  EXPECT_EQ(half(2).map([](int n) { return n + 10; }).value(), 11);
}

TEST(bytes, numbers_are_read_as_they_were_written) {
  byte_writer w;
  for (const auto n :
       {std::int64_t{0}, std::int64_t{-1}, std::int64_t{63}, std::int64_t{64}, std::int64_t{-65},
        std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()}) {
    w.clear();
    w.put_long(n);
    byte_reader r{w.view()};
    EXPECT_EQ(r.get_long(), n);
    EXPECT_TRUE(r.complete());
  }
}

TEST(bytes, a_reader_stops_at_the_end_and_stays_failed) {
  byte_reader r{
      std::string_view{"\x08"
                       "ab",
                       3}};
  EXPECT_EQ(r.get_text(), "");
  EXPECT_FALSE(r.ok());
  EXPECT_EQ(r.get_long(), 0);
  EXPECT_FALSE(r.complete());
}

TEST(bytes, a_negative_length_is_an_error_and_not_a_huge_read) {
  byte_writer w;
  w.put_long(-1);
  byte_reader r{w.view()};
  EXPECT_EQ(r.get_text(), "");
  EXPECT_FALSE(r.ok());
}

// Values of org.apache.kafka.common.utils.UtilsTest.testMurmur2.
TEST(hash, equals_that_of_kafka) {
  EXPECT_EQ(static_cast<std::int32_t>(murmur2("21")), -973932308);
  EXPECT_EQ(static_cast<std::int32_t>(murmur2("foobar")), -790332482);
  EXPECT_EQ(static_cast<std::int32_t>(murmur2("a-little-bit-long-string")), -985981536);
  EXPECT_EQ(static_cast<std::int32_t>(murmur2("a-little-bit-longer-string")), -1486304829);
  EXPECT_EQ(static_cast<std::int32_t>(murmur2("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8")),
            -58897971);
  EXPECT_EQ(static_cast<std::int32_t>(murmur2("abc")), 479470107);
}

TEST(record_buffer, gives_back_keys_values_and_headers_and_forgets_on_truncate) {
  record_buffer b;
  b.append("k", "value");
  b.append(std::string_view{}, "second");
  b.add_header("h", "x");
  ASSERT_EQ(b.size(), 2u);
  EXPECT_EQ(b.key(b.entries()[0]), "k");
  EXPECT_EQ(b.value(b.entries()[0]), "value");
  EXPECT_EQ(b.key(b.entries()[1]).data(), nullptr);
  EXPECT_EQ(b.value(b.entries()[1]), "second");
  EXPECT_EQ(b.headers(b.entries()[1]), (std::string_view{"\x02h\x02x", 4}));
  b.truncate(1);
  b.append("k2", "third");
  EXPECT_EQ(b.value(b.entries()[1]), "third");
}

TEST(record_buffer, is_as_before_when_a_value_cannot_be_written) {
  record_buffer b;
  b.append("a", "1");
  const auto broken = [](byte_writer& w) {
    w.put_raw("half");
    throw std::runtime_error("no more");
  };
  EXPECT_THROW(b.append(
                   true, [](byte_writer& w) { w.put_raw("key"); }, broken),
               std::runtime_error);
  b.append("b", "2");
  ASSERT_EQ(b.size(), 2U);
  EXPECT_EQ(b.bytes(), "a1b2");
  EXPECT_EQ(b.value(b.entries()[1]), "2");
}

TEST(base64, is_written_and_read) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", ""},        {"f", "Zg=="},        {"fo", "Zm8="},
      {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {std::string_view{"\0\xFF\xFE", 3}, "AP/+"}};
  for (const auto& [bytes, text] : cases) {
    EXPECT_EQ(to_base64(bytes), text);
    EXPECT_EQ(from_base64(text), bytes);
  }
  EXPECT_EQ(from_base64("Zm\r\n9v\n"), "foo");
  for (const auto* bad :
       {"Z", "Zg", "Zg=", "Zg===", "Z===", "=Zg=", "Zg==Zg==", "Zm9v=", "Z g=", "Zg_="})
    EXPECT_EQ(from_base64(bad), std::nullopt) << bad;
}

TEST(utf8, is_told_from_other_bytes) {
  for (const std::string_view text :
       {"", "a", "exactly8", "more than eight", "\xC3\xA4", "eight by\xE2\x82\xAC",
        "\xF0\x9F\x98\x80", "\xED\x9F\xBF", "\xEE\x80\x80", "\xF4\x8F\xBF\xBF"})
    EXPECT_TRUE(is_utf8(text)) << text;
  for (const std::string_view text :
       {"\x80", "\xC3", "\xC0\x80", "\xC1\xBF", "\xE0\x80\x80", "\xE2\x82", "\xED\xA0\x80",
        "\xF0\x80\x80\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "12345678\xFF",
        "\xC3\x28", "\xE2\x28\xA1", "\xF0\x9F\x98"})
    EXPECT_FALSE(is_utf8(text)) << text;
}

TEST(byte_writer, looks_at_texts_where_it_is_asked_to) {
  byte_writer w;
  w.put_utf8("\xFF");
  w.check_text();
  w.put_utf8("fine");
  w.put_text("\xFF");
  EXPECT_FALSE(w.had_bad_text());
  w.check_text();
  w.put_utf8("\xFF");
  EXPECT_TRUE(w.had_bad_text());
}

TEST(time, is_printed_as_iso_8601) {
  EXPECT_EQ(to_iso8601(timestamp{std::chrono::milliseconds{1445191307978}}),
            "2015-10-18T18:01:47.978Z");
  EXPECT_EQ(to_iso8601(timestamp{std::chrono::milliseconds{-1}}), "1969-12-31T23:59:59.999Z");
}

TEST(log, knows_levels_in_any_case) {
  EXPECT_EQ(log_level_of("WARNING", log_level::off), log_level::warn);
  EXPECT_EQ(log_level_of("fatal", log_level::off), log_level::error);
  EXPECT_EQ(log_level_of("nonsense", log_level::info), log_level::info);
}

}  // namespace
}  // namespace cloudflow
