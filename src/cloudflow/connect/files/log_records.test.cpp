#include "cloudflow/connect/files/log_records.hpp"

#include "cloudflow/connect/files/memory_object.test.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace cloudflow::connect {
namespace {

/// An item with texts of its own, and the cursor after it.
struct kept_item {
  std::string text, reason;
  line_position at;
  std::uint64_t lines, dropped;
  line_position cursor;

  bool operator==(const kept_item&) const = default;
};
void PrintTo(const kept_item& i, std::ostream* out) {
  *out << (i.reason.empty() ? "record " : "invalid ") << '"' << i.text << "\" at byte " << i.at.byte
       << ", line " << i.at.line << ", " << i.lines << " lines, cursor at byte " << i.cursor.byte
       << ", line " << i.cursor.line << ' ' << i.reason;
}

kept_item keep(const log_item& item, line_position cursor) {
  std::string text{item.is_record() ? item.fields.message : item.text};
  return {std::move(text), std::string{item.reason}, item.at,
          item.lines,      item.dropped_bytes,       cursor};
}

const log_layouts log4j = log_layouts::make({.line_pattern = "log4j"}).value();

std::vector<kept_item> read_on(log_records& records) {
  std::vector<kept_item> items;
  for (;;) {
    const auto item = records.next();
    if (!item || !item->has_value()) return items;
    items.push_back(keep(**item, records.cursor()));
  }
}

std::vector<kept_item> items_of(const std::string& text, line_position from = {},
                                log_records::options how = {}) {
  memory_object object{text};
  auto records = log_records::open(object, log4j, from, how);
  EXPECT_TRUE(records) << records.error().message;
  return records ? read_on(**records) : std::vector<kept_item>{};
}

std::string a_record(int second, std::string_view text = "text") {
  return "2015-10-18 18:01:" + std::to_string(second) + ",000 INFO " + std::string{text} + "\n";
}

const std::string nothing_to_continue =
    "it begins no record, and there is no record before it that it could continue";

TEST(log_records, gives_a_record_with_the_lines_that_continue_it) {
  const auto items = items_of(a_record(10, "one") + "\tat x\n\nCaused by\n" + a_record(11, "two"));
  ASSERT_EQ(items.size(), 2u);
  EXPECT_EQ(items[0], (kept_item{"one\n\tat x\n\nCaused by", "", {0, 1}, 4, 0, {50, 5}}));
  EXPECT_EQ(items[1], (kept_item{"two", "", {50, 5}, 1, 0, {83, 6}}));
}

TEST(log_records, calls_a_line_invalid_that_has_nothing_to_continue) {
  const auto items =
      items_of("left over\n\n" + a_record(10) + a_record(61) + "\tat x\n" + a_record(12));
  ASSERT_EQ(items.size(), 6u);
  EXPECT_EQ(items[0].reason, nothing_to_continue);
  EXPECT_EQ(items[0].text, "left over");
  EXPECT_EQ(items[1].reason, nothing_to_continue);
  EXPECT_EQ(items[2].reason, "");
  EXPECT_EQ(items[3].reason, "there is no such time: '2015-10-18 18:01:61,000'");
  EXPECT_EQ(items[3].text, "2015-10-18 18:01:61,000 INFO text");
  EXPECT_EQ(items[4].reason, nothing_to_continue);
  EXPECT_EQ(items[5].reason, "");
}

const std::string varied = "\xEF\xBB\xBFleft over\r\n" + a_record(10) + "\tat x\n" + a_record(61) +
                           "\tat y\n\n" + a_record(12) + a_record(13) + "\r\nlast";

TEST(log_records, counts_every_line_once) {
  memory_object object{varied};
  auto records = log_records::open(object, log4j);
  ASSERT_TRUE(records);
  read_on(**records);
  EXPECT_EQ((*records)->counters(), (log_counters{.records = 3, .continuations = 3, .invalid = 4}));
  EXPECT_EQ((*records)->counters().lines(), 10u);
}

TEST(log_records, goes_on_at_every_cursor_as_if_it_had_not_stopped) {
  const auto all = items_of(varied);
  ASSERT_EQ(all.size(), 7u);
  for (std::size_t i = 0; i != all.size(); ++i) {
    const std::vector<kept_item> rest(all.begin() + static_cast<std::ptrdiff_t>(i) + 1, all.end());
    EXPECT_EQ(items_of(varied, all[i].cursor), rest) << i;
  }
}

TEST(log_records, goes_on_at_every_cursor_in_the_layout_of_the_whole_object) {
  // What follows alone would be taken for another layout.
  std::string text;
  for (int line = 0; line != 4; ++line) text += "2015-10-18 18:01:10,000 - INFO  [a:B@1] - x\n";
  const line_position behind{text.size(), 5};
  text += a_record(11);
  const auto layouts = log_layouts::make({}).value();
  memory_object object{text};
  auto records = log_records::open(object, layouts, behind);
  ASSERT_TRUE(records);
  EXPECT_EQ((*records)->layout().name(), "zookeeper");
  EXPECT_EQ(read_on(**records).size(), 1u);
  EXPECT_EQ((*records)->counters().invalid, 1u);
}

TEST(log_records, goes_on_after_an_error_where_it_was) {
  const auto all = items_of(varied);
  for (int reads = 1; reads != 12; ++reads) {
    memory_object object{varied};
    log_records::options how;
    how.lines.chunk = 20;
    auto records = log_records::open(object, log4j, {}, how);
    ASSERT_TRUE(records);
    object.fail_after(reads);
    auto items = read_on(**records);
    const auto rest = read_on(**records);
    items.insert(items.end(), rest.begin(), rest.end());
    EXPECT_EQ(items, all) << reads;
  }
}

TEST(log_records, says_that_the_object_cannot_be_read) {
  memory_object object{varied};
  object.fail_after(0);
  const auto records = log_records::open(object, log4j);
  ASSERT_FALSE(records);
  EXPECT_EQ(records.error().code, object_errc::unavailable);
}

TEST(log_records, cuts_a_record_at_the_limit_and_says_so) {
  const log_records::options how{.record_limit = 8, .lines = {}};
  const auto items = items_of(a_record(10, "1234") + "67\n90\nab\n" + a_record(11, "123456789") +
                                  "x\n" + a_record(12, "12345678"),
                              {}, how);
  ASSERT_EQ(items.size(), 3u);
  EXPECT_EQ(items[0].text, "1234\n67\n\n[5 bytes cut off]");
  EXPECT_EQ(items[0].dropped, 5u);
  EXPECT_EQ(items[0].lines, 4u);
  EXPECT_EQ(items[1].text, "12345678\n[3 bytes cut off]");
  EXPECT_EQ(items[2].text, "12345678");
}

TEST(log_records, says_in_a_message_that_a_line_of_it_was_cut) {
  log_records::options how;
  how.lines.line_limit = 40;
  const auto items = items_of(
      "x\n" + std::string(50, 'y') + "\n" + a_record(10) + std::string(45, 'z') + "\nmore\n", {},
      how);
  ASSERT_EQ(items.size(), 3u);
  EXPECT_EQ(items[1].text, std::string(40, 'y') + "\n[10 bytes cut off]");
  EXPECT_EQ(items[2].text, "text\n" + std::string(40, 'z') + "\nmore\n[5 bytes cut off]");
  EXPECT_EQ(items[2].lines, 3u);
}

TEST(log_records, reads_times_without_zone_in_the_given_one) {
  memory_object object{a_record(10)};
  log_records::options how;
  how.time_zone = std::chrono::hours{2};
  auto records = log_records::open(object, log4j, {}, how);
  ASSERT_TRUE(records);
  const auto item = (*records)->next();
  ASSERT_TRUE(item && item->has_value());
  EXPECT_EQ(to_iso8601((*item)->fields.time), "2015-10-18T16:01:10.000Z");
}

TEST(log_records, is_at_its_end_for_good) {
  memory_object object{""};
  auto records = log_records::open(object, log4j);
  ASSERT_TRUE(records);
  for (int i = 0; i != 3; ++i) {
    const auto item = (*records)->next();
    ASSERT_TRUE(item);
    EXPECT_FALSE(item->has_value());
  }
}

}  // namespace
}  // namespace cloudflow::connect
