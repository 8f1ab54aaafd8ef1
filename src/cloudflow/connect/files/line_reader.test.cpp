#include "cloudflow/connect/files/line_reader.hpp"

#include "cloudflow/connect/files/memory_object.test.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace cloudflow::connect {
namespace {

struct kept_line {
  std::string text;
  std::uint64_t byte, line, dropped;
  bool operator==(const kept_line&) const = default;
};
void PrintTo(const kept_line& l, std::ostream* out) {
  *out << '"' << l.text << "\" at byte " << l.byte << ", line " << l.line << ", " << l.dropped
       << " dropped";
}

std::vector<kept_line> read_on(line_reader& reader) {
  std::vector<kept_line> lines;
  for (;;) {
    auto line = reader.next();
    if (!line || !line->has_value()) return lines;
    lines.push_back(
        {std::string{(*line)->text}, (*line)->at.byte, (*line)->at.line, (*line)->dropped_bytes});
  }
}

std::vector<kept_line> lines_of(std::string bytes, line_position from = {},
                                line_reader::options how = {}) {
  memory_object object{std::move(bytes)};
  line_reader reader{object, from, how};
  return read_on(reader);
}

std::vector<std::string> texts_of(std::string bytes) {
  std::vector<std::string> texts;
  for (auto& line : lines_of(std::move(bytes))) texts.push_back(line.text);
  return texts;
}

using lines = std::vector<kept_line>;
using texts = std::vector<std::string>;

TEST(line_reader, gives_lines_with_their_positions) {
  EXPECT_EQ(lines_of("one\ntwo\r\n\nlast"),
            (lines{{"one", 0, 1, 0}, {"two", 4, 2, 0}, {"", 9, 3, 0}, {"last", 10, 4, 0}}));
  EXPECT_EQ(lines_of("one\n"), (lines{{"one", 0, 1, 0}}));
  EXPECT_EQ(lines_of(""), lines{});
}

TEST(line_reader, takes_one_carriage_return_off_the_end_and_none_from_the_middle) {
  EXPECT_EQ(texts_of("a\r\r\nb\rc\nd\r"), (texts{"a\r", "b\rc", "d"}));
}

TEST(line_reader, skips_a_byte_order_mark_at_the_beginning_only) {
  EXPECT_EQ(lines_of("\xEF\xBB\xBFone\n\xEF\xBB\xBFtwo"),
            (lines{{"one", 3, 1, 0}, {"\xEF\xBB\xBFtwo", 7, 2, 0}}));
  EXPECT_EQ(lines_of("\xEF\xBB\xBF"), lines{});
}

TEST(line_reader, keeps_nul_bytes_and_replaces_what_is_no_utf_8) {
  EXPECT_EQ(texts_of(std::string{"a\0b", 3}), (texts{std::string{"a\0b", 3}}));
  EXPECT_EQ(
      texts_of("gr\xC3\xBC\xC3\x9F\n\xFF|\xC3|\xE2\x82|\xED\xA0\x80|\xC0\x80|\xF0\x9F\x98\x80"),
      (texts{"gr\xC3\xBC\xC3\x9F",
             "\xEF\xBF\xBD|\xEF\xBF\xBD|\xEF\xBF\xBD|\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD|"
             "\xEF\xBF\xBD\xEF\xBF\xBD|\xF0\x9F\x98\x80"}));
}

TEST(line_reader, cuts_a_line_at_the_limit_and_says_how_much) {
  EXPECT_EQ(lines_of("12345\r\n123456\n1234567890\r\nx", {}, {.chunk = 64, .line_limit = 5}),
            (lines{{"12345", 0, 1, 0}, {"12345", 7, 2, 1}, {"12345", 14, 3, 5}, {"x", 26, 4, 0}}));
}

TEST(line_reader, cuts_no_character_in_two) {
  EXPECT_EQ(lines_of("1234\xE2\x82\xAC"
                     "9\nx",
                     {}, {.chunk = 64, .line_limit = 6}),
            (lines{{"1234", 0, 1, 4}, {"x", 9, 2, 0}}));
}

TEST(line_reader, gives_the_same_whatever_the_size_of_its_chunks) {
  const std::string bytes =
      "\xEF\xBB\xBF"
      "first\r\n\n" +
      std::string(40, 'x') + "\r\n12345678\xC3\xBC\r\n\r\nlast\r";
  const auto expected = lines_of(bytes, {}, {.chunk = 1024, .line_limit = 9});
  ASSERT_EQ(expected.size(), 6u);
  for (std::size_t chunk = 1; chunk != 60; ++chunk)
    EXPECT_EQ(lines_of(bytes, {}, {.chunk = chunk, .line_limit = 9}), expected) << chunk;
}

TEST(line_reader, resumes_at_every_line) {
  const std::string bytes = "\xEF\xBB\xBFone\r\n\nthree\nfour";
  const auto all = lines_of(bytes);
  for (std::size_t i = 0; i != all.size(); ++i)
    EXPECT_EQ(lines_of(bytes, {all[i].byte, all[i].line}),
              lines(all.begin() + static_cast<std::ptrdiff_t>(i), all.end()));
}

TEST(line_reader, goes_on_after_an_error_where_it_was) {
  const std::string bytes = "one\n" + std::string(50, 'x') + "\ntwo\n";
  const line_reader::options how{.chunk = 8, .line_limit = 10};
  const auto expected = lines_of(bytes, {}, how);
  for (int reads = 0; reads != 9; ++reads) {
    memory_object object{bytes};
    object.fail_after(reads);
    line_reader reader{object, {}, how};
    auto got = read_on(reader);
    const auto rest = read_on(reader);
    got.insert(got.end(), rest.begin(), rest.end());
    EXPECT_EQ(got, expected) << reads;
  }
}

}  // namespace
}  // namespace cloudflow::connect
