#include "cloudflow/connect/files/log_time.hpp"

#include <gtest/gtest.h>

#include <string>

namespace cloudflow::connect {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;

/// The object was written on a Friday, ten minutes after midnight.
const time_context context{std::chrono::sys_days{std::chrono::year{2024} / 3 / 1} + minutes{10},
                           minutes{0}};

std::string shown(const std::optional<timestamp>& t) { return t ? to_iso8601(*t) : "none"; }

std::string iso(std::string_view text, const time_context& c = context) {
  const auto found = scan_iso8601(text, c);
  if (found.outcome == scan::none) return "none";
  return (found.outcome == scan::found ? to_iso8601(found.time) : "impossible") + "|" +
         std::string{text.substr(found.size)};
}

TEST(iso8601, reads_dates_and_times_in_their_usual_variants) {
  EXPECT_EQ(iso("2015-10-18 18:01:47,978 INFO"), "2015-10-18T18:01:47.978Z| INFO");
  EXPECT_EQ(iso("2015-10-18T18:01:47Z"), "2015-10-18T18:01:47.000Z|");
  EXPECT_EQ(iso("2015-10-18T18:01:47.123456789z x"), "2015-10-18T18:01:47.123Z| x");
  EXPECT_EQ(iso("2015-10-18T18:01:47.5+02:00"), "2015-10-18T16:01:47.500Z|");
  EXPECT_EQ(iso("2015-10-18T18:01:47-0330]"), "2015-10-18T21:31:47.000Z|]");
  EXPECT_EQ(iso("2015-10-18T18:01:47+02:"), "2015-10-18T16:01:47.000Z|:");
  EXPECT_EQ(iso("2015-10-18 18:01:47 UTC x"), "2015-10-18T18:01:47.000Z| x");
  EXPECT_EQ(iso("2015-10-18 18:01:47 +0200 x"), "2015-10-18T16:01:47.000Z| x");
  EXPECT_EQ(iso("2015-10-18 18:01:47 - x"), "2015-10-18T18:01:47.000Z| - x");
  EXPECT_EQ(iso("2015-10-18 18:01:47 -10 x"), "2015-10-18T18:01:47.000Z| -10 x");
}

TEST(iso8601, tells_what_is_no_time_from_what_is_an_impossible_one) {
  for (const auto* text :
       {"", "2015-10-18", "2015-10-18 18:01", "2015-10-18_18:01:47", "15-10-18 18:01:47",
        "x2015-10-18T18:01:47", "2015-10-18T18:01:47Zulu", "2015-10-18T18:01:478"})
    EXPECT_EQ(iso(text), "none") << text;
  for (const auto* text :
       {"2015-13-18T18:01:47", "2015-00-18T18:01:47", "2015-02-29T18:01:47", "2015-10-32T18:01:47",
        "2015-10-00T18:01:47", "2015-10-18T24:01:47", "2015-10-18T18:60:47", "2015-10-18T18:01:61"})
    EXPECT_EQ(iso(text), "impossible|") << text;
}

TEST(iso8601, takes_second_60_as_the_first_of_the_next_minute) {
  EXPECT_EQ(iso("2016-12-31T23:59:60.250Z"), "2017-01-01T00:00:00.250Z|");
}

TEST(iso8601, uses_the_given_zone_for_times_without_one_only) {
  const time_context east{context.object_time, hours{2}};
  EXPECT_EQ(iso("2015-10-18T01:00:00", east), "2015-10-17T23:00:00.000Z|");
  EXPECT_EQ(iso("2015-10-18T01:00:00Z", east), "2015-10-18T01:00:00.000Z|");
}

TEST(time_of_day, has_the_date_of_its_object) {
  EXPECT_EQ(shown(scan_time_of_day("00:05:00.5", context).time), "2024-03-01T00:05:00.500Z");
  EXPECT_EQ(shown(scan_time_of_day("20:32:02.123", context).time), "2024-03-01T20:32:02.123Z");
  EXPECT_EQ(scan_time_of_day("24:00:00", context).outcome, scan::impossible);
  EXPECT_EQ(scan_time_of_day("1:00:00", context).outcome, scan::none);
}

TEST(time_of_day, is_of_the_day_before_in_a_file_written_over_midnight) {
  EXPECT_EQ(shown(scan_time_of_day("23:59:59", context).time), "2024-02-29T23:59:59.000Z");
  EXPECT_EQ(shown(scan_time_of_day("23:10:00", context).time), "2024-03-01T23:10:00.000Z");
  EXPECT_EQ(shown(scan_time_of_day("23:10:01", context).time), "2024-02-29T23:10:01.000Z");
}

TEST(time_of_day, has_the_date_of_the_given_zone) {
  const time_context west{context.object_time, -hours{5}};  // where it is still the day before
  EXPECT_EQ(shown(scan_time_of_day("19:05:00", west).time), "2024-03-01T00:05:00.000Z");
}

std::string as_iso(std::string_view format, std::string_view text,
                   const time_context& c = context) {
  const auto parsed = time_format::parse(format);
  EXPECT_TRUE(parsed) << parsed.error().message;
  return parsed ? shown(parsed->read(text, c)) : "";
}

TEST(time_format, reads_what_it_describes) {
  EXPECT_EQ(as_iso("%d/%b/%Y:%H:%M:%S %z", "18/Oct/2015:18:01:47 +0200"),
            "2015-10-18T16:01:47.000Z");
  EXPECT_EQ(as_iso("%Y-%m-%d %H:%M:%S,%f", "2015-10-18 18:01:47,5"), "2015-10-18T18:01:47.500Z");
  EXPECT_EQ(as_iso("%F %T", "2015-10-18   18:01:47"), "2015-10-18T18:01:47.000Z");
  EXPECT_EQ(as_iso("%y%m%d %H%M%S", "081109 203615"), "2008-11-09T20:36:15.000Z");
  EXPECT_EQ(as_iso("%y/%m/%d %R", "70/1/2 3:04"), "1970-01-02T03:04:00.000Z");
  EXPECT_EQ(as_iso("%A, %B %e %Y %I:%M %p", "Sunday, october 18 2015 12:05 am"),
            "2015-10-18T00:05:00.000Z");
  EXPECT_EQ(as_iso("%I %p", "12 PM"), "2024-03-01T12:00:00.000Z");
  EXPECT_EQ(as_iso("%Y.%j %H", "2015.291 1"), "2015-10-18T01:00:00.000Z");
  EXPECT_EQ(as_iso("%Y.%j %H", "2015.366 1"), "none");
  EXPECT_EQ(as_iso("%D %T %%", "10/18/15 18:01:47 %"), "2015-10-18T18:01:47.000Z");
  EXPECT_EQ(as_iso("%s", "1445191307.978"), "2015-10-18T18:01:47.978Z");
  EXPECT_EQ(as_iso("[%Q]", "[1445191307978]"), "2015-10-18T18:01:47.978Z");
  EXPECT_EQ(as_iso("%T GMT", "01:02:03 GMT"), "2024-03-01T01:02:03.000Z");
  EXPECT_EQ(as_iso("%T %z", "01:02:03 GMT"), "2024-03-01T01:02:03.000Z");
}

TEST(time_format, has_words_for_the_usual_ones) {
  EXPECT_EQ(as_iso("iso8601", "2015-10-18T18:01:47.978Z"), "2015-10-18T18:01:47.978Z");
  EXPECT_EQ(as_iso("iso8601", "2015-10-18T18:01:47.978Z "), "none");
  EXPECT_EQ(as_iso("epoch-seconds", "1445191307"), "2015-10-18T18:01:47.000Z");
  EXPECT_EQ(as_iso("epoch-millis", "1445191307978"), "2015-10-18T18:01:47.978Z");
  for (const auto* number :
       {"1445191307.978", "1445191307978", "1445191307978000", "1445191307978000000"})
    EXPECT_EQ(as_iso("epoch", number), "2015-10-18T18:01:47.978Z") << number;
  for (const auto* number : {"", "-1", "nan", "inf", "1e30", "12x", "99999999999999999999"})
    EXPECT_EQ(as_iso("epoch", number), "none") << number;
}

TEST(time_format, takes_the_latest_year_that_is_not_ahead_of_the_object) {
  EXPECT_EQ(as_iso("%b %e %T", "Mar  1 00:05:00"), "2024-03-01T00:05:00.000Z");
  EXPECT_EQ(as_iso("%b %e %T", "Mar  2 00:05:00"), "2024-03-02T00:05:00.000Z");
  EXPECT_EQ(as_iso("%b %e %T", "Mar  2 00:10:00"), "2024-03-02T00:10:00.000Z");
  EXPECT_EQ(as_iso("%b %e %T", "Mar  2 00:10:01"), "2023-03-02T00:10:01.000Z");
  EXPECT_EQ(as_iso("%b %e %T", "Dec 31 23:59:59"), "2023-12-31T23:59:59.000Z");
  EXPECT_EQ(as_iso("%b %e %T", "Feb 29 12:00:00"), "2024-02-29T12:00:00.000Z");
  EXPECT_EQ(as_iso("%b %e %T", "Feb 30 12:00:00"), "none");
  const time_context later{context.object_time + hours{24 * 700}, minutes{0}};
  EXPECT_EQ(as_iso("%b %e %T", "Feb 29 12:00:00", later), "2024-02-29T12:00:00.000Z");
}

TEST(time_format, does_not_read_what_it_does_not_describe) {
  for (const auto* text : {"", "2015-10-18", "2015-10-18 18:01:47 x", "2015-13-18 18:01:47",
                           "2015-10-18 25:01:47", "2015-10-18 18:01:4x"})
    EXPECT_EQ(as_iso("%F %T", text), "none") << text;
}

TEST(time_format, says_what_is_wrong_with_it) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"%Y-%m-%d", "it names no hour"},
      {"%Y-%m-%d %H:%M:%L", "there is no conversion %L"},
      {"%H%", "it ends in the middle of a conversion"},
      {"%I:%M", "without AM or PM"},
      {"%H %p", "without an hour of 12"},
      {"%m %H", "month and day belong together"},
      {"%Y %H", "a year without month and day"},
      {"%j %H", "without a year"},
      {"yyyy-MM-dd HH:mm:ss", "has no conversion such as %Y"},
  };
  for (const auto& [format, why] : cases) {
    const auto parsed = time_format::parse(format);
    ASSERT_FALSE(parsed) << format;
    EXPECT_NE(parsed.error().message.find(why), std::string::npos) << parsed.error().message;
    EXPECT_NE(parsed.error().message.find(format), std::string::npos) << parsed.error().message;
  }
}

TEST(time_zone, is_an_offset) {
  EXPECT_EQ(parse_time_zone("+02:00").value(), hours{2});
  EXPECT_EQ(parse_time_zone("-0530").value(), -minutes{330});
  EXPECT_EQ(parse_time_zone("+02").value(), hours{2});
  EXPECT_EQ(parse_time_zone("UTC").value(), minutes{0});
  for (const auto* bad : {"", "2", "+2", "+19:00", "+02:60", "CET", "Europe/Berlin", "+02:00x"})
    EXPECT_FALSE(parse_time_zone(bad)) << bad;
}

}  // namespace
}  // namespace cloudflow::connect
