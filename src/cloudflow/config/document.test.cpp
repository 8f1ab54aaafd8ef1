#include "cloudflow/config/value.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <type_traits>

namespace cloudflow::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

static_assert(std::is_nothrow_move_constructible_v<value>);

value resolved(std::string_view text, const document::resolve_options& options = {}) {
  auto parsed = parse_text(text, "test.conf");
  if (!parsed) {
    ADD_FAILURE() << to_string(parsed.error()[0]);
    return {};
  }
  auto out = parsed->resolve(options);
  if (!out) {
    ADD_FAILURE() << to_string(out.error()[0]);
    return {};
  }
  return std::move(*out);
}

std::vector<std::string> problems_of(std::string_view text) {
  std::vector<std::string> out;
  const auto collect = [&](const std::vector<problem>& problems) {
    for (const auto& p : problems) out.push_back(to_string(p));
  };
  const auto parsed = parse_text(text, "test.conf");
  if (!parsed) {
    collect(parsed.error());
  } else if (const auto done = parsed->resolve({}); !done) {
    collect(done.error());
  }
  return out;
}

std::vector<std::string> duplicates_of(std::string_view text) {
  std::vector<std::string> out;
  const auto parsed = parse_text(text, "f");
  for (const auto& d : parsed->duplicates()) {
    out.push_back(d.path + " " + to_string(d.first) + " " + to_string(d.second));
  }
  return out;
}

// -- origins --------------------------------------------------------------------------------------

TEST(document, every_value_and_key_knows_its_line_and_column) {
  const auto root = resolved("a {\n  b = [1, two]\n}\nc: \"x\"");
  const auto& a = root.as_object()->at(0);
  EXPECT_EQ(to_string(a.where), "test.conf:1:1");
  EXPECT_EQ(to_string(a.content.where()), "test.conf:1:3");
  const auto& b = a.content.as_object()->at(0);
  EXPECT_EQ(to_string(b.where), "test.conf:2:3");
  EXPECT_EQ(to_string(b.content.as_list()->at(1).where()), "test.conf:2:11");
  EXPECT_EQ(to_string(root.get("c")->where()), "test.conf:4:4");
}

TEST(document, columns_count_characters_not_bytes) {
  const auto root = resolved("\"größe €\" = 5");
  EXPECT_EQ(to_string(root.as_object()->at(0).content.where()), "test.conf:1:13");
}

TEST(document, a_substituted_value_stands_where_it_was_written) {
  const auto root = resolved("a = ${b}\nb = 7");
  EXPECT_EQ(to_string(root.get("a")->where()), "test.conf:2:5");
}

TEST(document, members_keep_the_order_of_the_text) {
  EXPECT_EQ(to_json(resolved("z=1,a=2,m=3,a.b=4,z=5")), R"({"z":5,"a":{"b":4},"m":3})");
}

TEST(document, an_object_of_many_fields_finds_each) {
  std::string text;
  for (int i = 0; i != 500; ++i) text += "k" + std::to_string(i) + " = " + std::to_string(i) + "\n";
  for (int i = 0; i < 500; i += 9) text += "k" + std::to_string(i) + " = ${?none}\n";
  const auto root = resolved(text);
  ASSERT_EQ(root.as_object()->size(), 500U);
  EXPECT_EQ(root.get("k499")->text(), "499");
}

// -- values ---------------------------------------------------------------------------------------

TEST(value, is_found_by_path) {
  const auto root = resolved("a.\"b.c\".d = yes");
  EXPECT_EQ(root.find({"a", "b.c", "d"})->text(), "yes");
  EXPECT_EQ(root.find("a.b"), nullptr);
  EXPECT_EQ(root.find({"a", "b.c", "d", "e"}), nullptr);
}

TEST(value, keeps_numbers_as_they_were_written) {
  const auto root = resolved("a=08,b=1e3,c=1.0,d=${c}x");
  EXPECT_EQ(root.get("a")->text(), "08");
  EXPECT_EQ(root.get("b")->text(), "1e3");
  EXPECT_EQ(root.get("d")->text(), "1.0x");
}

TEST(to_json, prints_numbers_as_the_reference_does) {
  EXPECT_EQ(
      to_json(resolved(
          "a=[08,-0,1.0,1e2,1.50,-2.5e-3,1e-4,12345678.5,1e21,1e400,9.223372036854776E18]")),
      R"({"a":[8,0,1,100,1.5,-0.0025,1.0E-4,1.23456785E7,1.0E21,1e999,9223372036854775807]})");
}

TEST(to_json, escapes_what_json_cannot_hold) {
  EXPECT_EQ(to_json(resolved(R"("\"k\\" = "a\n\u0001é")")), "{\"\\\"k\\\\\":\"a\\n\\u0001é\"}");
}

// -- duplicates -----------------------------------------------------------------------------------

TEST(duplicates, a_key_set_twice_is_noted_with_both_places) {
  EXPECT_THAT(duplicates_of("a=1\nb.c=1\na=2\nb { c=[] }"),
              ElementsAre("a f:1:1 f:3:1", "b.c f:2:1 f:4:5"));
}

TEST(duplicates, an_object_over_a_value_is_noted) {
  EXPECT_THAT(duplicates_of("a=1\na.b=2"), ElementsAre("a f:1:1 f:2:1"));
}

TEST(duplicates, objects_that_merge_are_none) {
  EXPECT_THAT(duplicates_of("a{b=1}\na{c=1}"), ElementsAre());
}

TEST(duplicates, a_value_that_builds_on_the_earlier_one_is_none) {
  EXPECT_THAT(duplicates_of("a=[1]\na+=2\na=${a}[3]\nb=x\nb=${?B}\nc=${d}\nc={x:1}\nd={}"),
              ElementsAre());
}

// -- layers of documents --------------------------------------------------------------------------

TEST(document, the_upper_one_wins_and_objects_merge) {
  const auto below = parse_text("a{x=1,y=${z}},l=[1],z=1", "below");
  const auto above = parse_text("a{x=2},l=[2],z=9", "above");
  EXPECT_EQ(to_json(*above->over(*below).resolve({})), R"({"a":{"x":2,"y":9},"l":[2],"z":9})");
}

TEST(document, an_upper_value_may_build_on_the_lower_one) {
  const auto below = parse_text("a=[1]", "below");
  const auto above = parse_text("a=${a}[2]", "above");
  EXPECT_EQ(to_json(*above->over(*below).resolve({})), R"({"a":[1,2]})");
  EXPECT_EQ(to_json(*below->resolve({})), R"({"a":[1]})");
}

TEST(document, looks_at_the_environment_last_and_only_when_told_to) {
  document::resolve_options options;
  options.environment = [](const std::string& name) -> std::optional<std::string> {
    if (name == "PORT") return "8080";
    return std::nullopt;
  };
  EXPECT_EQ(to_json(resolved("a=${PORT},b=${?OTHER}", options)), R"({"a":"8080"})");
  EXPECT_EQ(to_json(resolved("a=${PORT},PORT=1", options)), R"({"a":1,"PORT":1})");
  EXPECT_EQ(to_string(resolved("a=${PORT}", options).get("a")->where()),
            "environment variable PORT");
  EXPECT_EQ(to_json(resolved("a=${?PORT}")), "{}");
}

// -- problems -------------------------------------------------------------------------------------

TEST(problems, say_where_what_was_expected_and_what_to_do) {
  EXPECT_THAT(problems_of("a = {\n  b = 1 = 2\n}"),
              ElementsAre("test.conf:2:9: error: expected a comma, a new line or '}', found '='\n"
                          "  Put the text in double quotes if the character belongs to it."));
  EXPECT_THAT(problems_of("a = x?y"),
              ElementsAre(HasSubstr("1:6: error: '?' cannot stand outside quotes")));
  EXPECT_THAT(problems_of("a = \"x\nb = 1"), ElementsAre(HasSubstr("cannot hold a newline")));
  EXPECT_THAT(problems_of("a = [1"), ElementsAre(HasSubstr("found end of file")));
  EXPECT_THAT(problems_of("a..b = 1"), ElementsAre(HasSubstr("1:1: error: the path has a '.'")));
  EXPECT_THAT(problems_of("a = \xff"), ElementsAre(HasSubstr("1:5: error: the text is not UTF-8")));
}

TEST(problems, of_a_document_come_all_at_once_and_none_causes_another) {
  EXPECT_THAT(
      problems_of("stream.let = 1\na = ${stream.lett}\nb = ${a}x\nc = [1]\nc = ${c}{}\nd = ${d}"),
      testing::UnorderedElementsAre(HasSubstr("2:5: error: ${stream.lett} is not set"),
                                    HasSubstr("5:9: error: cannot join"),
                                    HasSubstr("6:5: error: ${d} depends on itself")));
  EXPECT_THAT(problems_of("a = ${}\nb = ${x..y}\nc = [1] 2"),
              ElementsAre(HasSubstr("1:5:"), HasSubstr("2:5:"), HasSubstr("3:9:")));
}

TEST(problems, of_a_substitution_suggest_the_key_that_was_meant) {
  EXPECT_THAT(problems_of("stream.let = 1\na = ${stream.lett}"),
              ElementsAre(HasSubstr("Did you mean \"let\"?")));
}

TEST(problems, a_circle_is_told_from_a_missing_key) {
  EXPECT_THAT(problems_of("a=${b}\nb=${a}"), ElementsAre(HasSubstr("depends on itself")));
}

// -- limits ---------------------------------------------------------------------------------------

TEST(limits, ten_thousand_brackets_are_a_problem_and_no_crash) {
  for (const auto* open : {"[", "{a:", "{", "{a:[", "a.", "${", "${?", "a{"}) {
    std::string text = "a=";
    if (open == std::string_view{"a."} || open == std::string_view{"a{"}) text.clear();
    for (int i = 0; i != 10'000; ++i) text += open;
    EXPECT_EQ(problems_of(text).size(), 1U) << open;
  }
}

TEST(limits, nesting_that_people_write_is_none) {
  const std::string open(300, '[');
  const std::string close(300, ']');
  EXPECT_EQ(to_json(resolved("a=" + open + close)), "{\"a\":" + open + close + "}");
}

std::string doubling(std::string_view first, std::string_view twice) {
  std::string text = "a0 = " + std::string{first} + "\n";
  for (int i = 1; i != 60; ++i) {
    const auto below = "${a" + std::to_string(i - 1) + "}";
    auto line = std::string{twice};
    for (auto at = line.find('$'); at != std::string::npos;
         at = line.find('$', at + below.size())) {
      line.replace(at, 1, below);
    }
    text += "a" + std::to_string(i) + " = " + line + "\n";
  }
  return text;
}

TEST(limits, substitutions_that_multiply_are_a_problem) {
  EXPECT_EQ(problems_of(doubling("[x]", "[$, $]")).size(), 1U);
  EXPECT_EQ(problems_of(doubling("{x:1}", "{l:$, r:$}")).size(), 1U);
  EXPECT_EQ(problems_of(doubling("text", "$$")).size(), 1U);
  EXPECT_EQ(problems_of(doubling("[x]", "$ $")).size(), 1U);
}

TEST(limits, values_that_nest_through_substitutions_are_a_problem) {
  std::string text = "a0 = 1\n";
  for (int i = 1; i != 2'000; ++i) {
    text += "a" + std::to_string(i) + " = [${a" + std::to_string(i - 1) + "}]\n";
  }
  EXPECT_THAT(problems_of(text), ElementsAre(HasSubstr("levels")));
}

TEST(limits, a_long_chain_of_references_is_a_problem_and_no_crash) {
  std::string text = "a = x\n";
  for (int i = 0; i != 1'200; ++i) text += "a = ${a}x\n";
  EXPECT_THAT(problems_of(text), ElementsAre(HasSubstr("through too many levels")));
}

TEST(limits, circles_that_take_for_ever_are_a_problem) {
  std::string all;
  for (int i = 0; i != 30; ++i) all += "${?k" + std::to_string(i) + "},";
  std::string text;
  for (int i = 0; i != 30; ++i) text += "k" + std::to_string(i) + " = [" + all + "]\n";
  EXPECT_THAT(problems_of(text), ElementsAre(HasSubstr("too long")));
}

TEST(limits, thousands_of_references_and_overrides_are_none) {
  std::string text = "x = 1\n";
  for (int i = 0; i != 2'000; ++i) {
    const auto key = "k" + std::to_string(i);
    text += key + " = ${x}\n" + key + " = ${?OVERRIDE_" + key + "}\n";
  }
  EXPECT_EQ(resolved(text).as_object()->size(), 2'001U);
}

TEST(limits, a_list_may_grow_in_five_hundred_lines) {
  std::string text;
  for (int i = 0; i != 500; ++i) text += "a += " + std::to_string(i) + "\n";
  EXPECT_EQ(resolved(text).get("a")->as_list()->size(), 500U);
}

}  // namespace
}  // namespace cloudflow::config
