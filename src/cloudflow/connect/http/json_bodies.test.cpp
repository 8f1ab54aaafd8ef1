#include "cloudflow/connect/http/json_bodies.hpp"

#include <gtest/gtest.h>

#include <string>

namespace cloudflow::connect {
namespace {

std::vector<std::string> texts_of(std::string_view body) {
  auto split = split_json_body(body);
  if (!split) return {"error: " + split.error().message};
  std::vector<std::string> texts;
  for (const auto& document : *split) texts.emplace_back(document.text);
  return texts;
}
using texts = std::vector<std::string>;

TEST(json_bodies, takes_one_object) {
  EXPECT_EQ(texts_of(R"( {"a": {"b": [1, 2]}} )"), (texts{R"({"a": {"b": [1, 2]}})"}));
  EXPECT_EQ(texts_of("\xEF\xBB\xBF{}"), texts{"{}"});
}

TEST(json_bodies, takes_an_array_of_objects) {
  EXPECT_EQ(texts_of("[{\"a\":1},\n {\"a\":2}]"), (texts{"{\"a\":1}", "{\"a\":2}"}));
  EXPECT_EQ(texts_of(" [ ] "), texts{});
}

TEST(json_bodies, takes_an_object_a_line) {
  EXPECT_EQ(texts_of("{\"a\":1}\r\n\n{\"a\":2}\n"), (texts{"{\"a\":1}", "{\"a\":2}"}));
}

TEST(json_bodies, is_not_misled_by_brackets_and_quotes_in_strings) {
  EXPECT_EQ(texts_of(R"({"}": "]{\"}\\"}{"b":"["})"),
            (texts{R"({"}": "]{\"}\\"})", R"({"b":"["})"}));
}

TEST(json_bodies, numbers_its_documents_and_says_where_they_begin) {
  const std::string body = "[{},\n{}]";
  const auto split = split_json_body(body);
  ASSERT_TRUE(split);
  EXPECT_EQ(split.value()[1], (json_document{std::string_view{body}.substr(5, 2), 1, 5}));
  EXPECT_EQ(position_of(body, 5), (text_position{2, 1}));
}

TEST(json_bodies, says_what_is_wrong_and_where) {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", "line 1, column 1: the body is empty; a JSON object is expected"},
      {" \n ", "line 2, column 2: the body is empty; a JSON object is expected"},
      {"12", "line 1, column 1: a JSON object is expected, found is '1'"},
      {"{}\n{},", "line 2, column 3: a JSON object is expected, found is ','"},
      {"[{}",
       "line 1, column 4: a ']' to the '[' of line 1, column 1 is expected, found is the end"},
      {"[{}{}]", "line 1, column 4: ',' or ']' is expected, found is '{'"},
      {"[{},]", "line 1, column 5: a JSON object is expected, found is ']'"},
      {"[{}] x", "line 1, column 6: nothing behind the array is expected, found is 'x'"},
      {"[1]", "line 1, column 2: a JSON object is expected, found is '1'"},
      {"{\"a\": [1}", "line 1, column 9: a ']' is expected, found is '}'"},
      {"{\n \"a\": {}",
       "line 2, column 9: a '}' to the '{' of line 1, column 1 is expected, found is the end"},
      {"{\"a",
       "line 1, column 4: a '\"' to the one of line 1, column 2 is expected, found is the end"},
      {"{\"a\\",
       "line 1, column 5: a '\"' to the one of line 1, column 2 is expected, found is the end"},
      {"{\"a\nb\"}",
       "line 1, column 4: a '\"' to the one of line 1, column 2 is expected, found is byte 0x0A"},
  };
  for (const auto& [body, message] : cases) {
    const auto split = split_json_body(body);
    ASSERT_FALSE(split) << body;
    EXPECT_EQ(split.error().message, message) << body;
  }
  EXPECT_EQ(split_json_body("[{},{},x]").error().index, 2u);
}

TEST(json_bodies, refuses_what_is_nested_too_deeply) {
  std::string body = "{\"a\":";
  for (int i = 0; i != 100'000; ++i) body += '[';
  EXPECT_EQ(
      texts_of(body),
      texts{
          "error: line 1, column 69: no more than 64 levels of nesting is expected, found is '['"});
}

}  // namespace
}  // namespace cloudflow::connect
