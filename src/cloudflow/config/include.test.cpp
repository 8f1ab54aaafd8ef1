#include "cloudflow/config/layers.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace cloudflow::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class in_a_folder : public testing::Test {
protected:
  in_a_folder() {
    std::string name =
        (std::filesystem::temp_directory_path() / "cloudflow-config-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~in_a_folder() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& name, std::string_view text) const {
    const auto file = folder_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream{file} << text;
    return file.string();
  }

  static std::string outcome(const cloudflow::result<document, std::vector<problem>>& parsed) {
    if (!parsed) return to_string(parsed.error().at(0));
    const auto resolved = parsed->resolve({});
    return resolved ? to_json(*resolved) : to_string(resolved.error().at(0));
  }

  std::filesystem::path folder_;
};

using include_statement = in_a_folder;
using layers = in_a_folder;

TEST_F(include_statement, reads_a_file_beside_the_one_it_stands_in) {
  write("sub/b.conf", "b = 1\ninclude \"c.conf\"");
  write("sub/c.conf", "c = 2");
  EXPECT_EQ(outcome(parse_file(write("a.conf", "include \"sub/b.conf\"\na = ${b}"))),
            R"({"b":1,"c":2,"a":1})");
  EXPECT_EQ(outcome(parse_file(write("a.conf", "include file(\"sub/c.conf\")"))), R"({"c":2})");
  EXPECT_EQ(outcome(parse_file(write("a.conf", "include required(file(\"sub/c.conf\"))"))),
            R"({"c":2})");
}

TEST_F(include_statement, without_a_suffix_takes_conf_over_json) {
  write("b.conf", "x = 1");
  write("b.json", R"({"x": 2, "y": 3})");
  EXPECT_EQ(outcome(parse_file(write("a.conf", "include \"b\""))), R"({"x":1,"y":3})");
}

TEST_F(include_statement, takes_a_file_of_exactly_this_name_whatever_its_suffix) {
  write("b.avsc", R"({"x": 1})");
  EXPECT_EQ(outcome(parse_file(write("a.conf", "include file(\"b.avsc\")"))), R"({"x":1})");
  write("b.avsc.conf", "x = 2\ny = 3");
  EXPECT_EQ(outcome(parse_file(write("a.conf", "include \"b.avsc\""))), R"({"x":1,"y":3})");
}

TEST_F(include_statement, what_stands_below_it_wins) {
  write("b.conf", "x = 1\ny = 1");
  const auto parsed = parse_file(write("a.conf", "x = 0\ninclude \"b.conf\"\ny = 2"));
  EXPECT_EQ(outcome(parsed), R"({"x":1,"y":2})");
  EXPECT_TRUE(parsed->duplicates().empty()) << "values of two files are no duplicates";
}

TEST_F(include_statement, in_an_object_refers_to_its_own_keys_there_and_to_the_root) {
  write("b.conf", "x = 1\ny = ${x}\nz = ${top}\nl += ${x}\nl += 2");
  EXPECT_EQ(outcome(parse_file(write("a.conf", "top = 5\no { include \"b.conf\"\n x = 3 }"))),
            R"({"top":5,"o":{"x":3,"y":3,"z":5,"l":[3,2]}})");
}

TEST_F(include_statement, keeps_the_origin_of_the_included_file) {
  const auto b = write("b.conf", "\nx = ?");
  EXPECT_THAT(outcome(parse_file(write("a.conf", "include \"b.conf\""))),
              HasSubstr(b + ":2:5: error:"));
}

TEST_F(include_statement, a_missing_file_matters_only_if_required) {
  EXPECT_EQ(outcome(parse_file(write("a.conf", "include \"none\"\nx = 1"))), R"({"x":1})");
  const auto failed = parse_file(write("a.conf", "\ninclude required(\"none.conf\")\nx = 1"));
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().at(0).kind, problem_kind::io);
  EXPECT_THAT(outcome(failed),
              HasSubstr("a.conf:2:1: error: the required include \"none.conf\" does not exist"));
}

TEST_F(include_statement, of_itself_ends_with_a_problem) {
  EXPECT_THAT(outcome(parse_file(write("a.conf", "x { include \"a.conf\" }"))),
              HasSubstr("includes itself"));
}

TEST_F(include_statement, refuses_what_is_no_file) {
  for (const auto* kind : {"url", "classpath"}) {
    const auto text = std::string{"include "} + kind + "(\"x\")";
    EXPECT_THAT(outcome(parse_text(text, "t")), HasSubstr("only files can be included"));
  }
  write("b.properties", "a=1");
  EXPECT_THAT(outcome(parse_file(write("a.conf", "include \"b\""))),
              HasSubstr("properties files are not supported"));
}

TEST_F(include_statement, is_refused_where_the_text_is_somebody_elses) {
  const auto file = write("b.conf", "x = 1");
  for (const auto& text :
       {"include \"" + file + "\"", "a { include required(file(\"" + file + "\")) }"}) {
    EXPECT_THAT(outcome(parse_text(text, "t")), Not(HasSubstr("nothing can be included")));
    EXPECT_THAT(outcome(parse_text(text, "t", include_policy::refuse)),
                HasSubstr("nothing can be included"));
  }
}

TEST_F(include_statement, with_substitutions_cannot_stand_in_a_list) {
  write("b.conf", "x = ${y}");
  write("c.conf", "x = 1");
  EXPECT_THAT(outcome(parse_file(write("a.conf", "a = [{ include \"b.conf\" }]"))),
              HasSubstr("inside a list"));
  EXPECT_EQ(outcome(parse_file(write("a.conf", "a = [{ include \"c.conf\" }]"))),
            R"({"a":[{"x":1}]})");
}

// -- layers ---------------------------------------------------------------------------------------

TEST_F(layers, later_files_win_and_arguments_win_over_files) {
  const std::vector files{write("a.conf", "k { x = 1, y = 1, z = 1 }"),
                          write("b.conf", "k { y = 2, z = 2 }")};
  const std::vector<std::string> assignments{"k.z=3", "k.w = { v: 4 }", "k.z=5"};
  EXPECT_EQ(outcome(load_layers(files, assignments)), R"({"k":{"x":1,"y":2,"z":5,"w":{"v":4}}})");
}

TEST_F(layers, of_nothing_are_empty) { EXPECT_EQ(outcome(load_layers({}, {})), "{}"); }

TEST_F(layers, report_the_problems_of_all_at_once) {
  const std::vector files{write("a.conf", "a = ?"), (folder_ / "none.conf").string()};
  const std::vector<std::string> assignments{"b", "=1", "c=[", "d=1"};
  const auto failed = load_layers(files, assignments);
  ASSERT_FALSE(failed);
  std::vector<std::string> texts;
  for (const auto& p : failed.error()) texts.push_back(to_string(p));
  EXPECT_THAT(texts,
              ElementsAre(HasSubstr("a.conf:1:5: error: '?'"), HasSubstr("no such file"),
                          HasSubstr("expected key=value, found 'b'"),
                          HasSubstr("expected key=value"), HasSubstr("command line:1:4: error:")));
}

TEST_F(layers, a_folder_is_no_file) {
  const std::vector files{folder_.string()};
  EXPECT_THAT(outcome(load_layers(files, {})), HasSubstr("is a directory"));
}

// -- redact ---------------------------------------------------------------------------------------

std::string redacted(std::string_view text, const std::vector<std::string>& paths) {
  return to_json(redact(*parse_text(text, "t")->resolve({}), paths));
}

TEST(redact, masks_what_is_at_a_secret_path) {
  EXPECT_EQ(redacted("a{p=1,q=2},b{p=3},\"c.d\"{e=4}", {"a.p", "b", "\"c.d\".e"}),
            R"({"a":{"p":"***","q":2},"b":"***","c.d":{"e":"***"}})");
}

TEST(redact, a_star_stands_for_any_key_and_lists_are_looked_into) {
  EXPECT_EQ(redacted("s{x{p=1,q=2},y{p=3}},l=[{p=1},{q=2}]", {"s.*.p", "l.p"}),
            R"({"s":{"x":{"p":"***","q":2},"y":{"p":"***"}},"l":[{"p":"***"},{"q":2}]})");
}

TEST(redact, shows_nothing_when_a_path_cannot_be_read) {
  EXPECT_EQ(redacted("a=1", {"a..b"}), R"("***")");
}

TEST(redact, without_paths_changes_nothing) { EXPECT_EQ(redacted("a=[1]", {}), R"({"a":[1]})"); }

}  // namespace
}  // namespace cloudflow::config
