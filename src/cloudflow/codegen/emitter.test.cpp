#include "cloudflow/codegen/emitter.hpp"

#include "cloudflow/codegen/names.hpp"
#include "cloudflow/codegen/schema_set.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace {

using cloudflow::codegen::cpp_type;
using cloudflow::codegen::emit;
using cloudflow::codegen::identifier;
using cloudflow::codegen::identifiers;
using cloudflow::codegen::read_schema_set;
using cloudflow::codegen::snake_case;
namespace fs = std::filesystem;

const fs::path testdata{CLOUDFLOW_SOURCE_DIR "/src/cloudflow/codegen/testdata"};

/// A folder that is gone after the test.
class schema_files : public testing::Test {
public:
  schema_files() {
    auto pattern = (fs::temp_directory_path() / "codegen-XXXXXX").string();
    folder = mkdtemp(pattern.data());
  }
  ~schema_files() override { fs::remove_all(folder); }

  fs::path write(const std::string& name, const std::string& text) {
    std::ofstream{folder / name} << text;
    return folder / name;
  }
  /// What is wrong with these files.
  static std::string problem_of(const std::vector<fs::path>& files) {
    const auto set = read_schema_set(files);
    if (!set) return set.error().message;
    const auto generated = emit("set", set->units, set->nodes);
    return generated ? "nothing" : generated.error().message;
  }
  fs::path folder;
};

std::string text_of(const fs::path& path) {
  std::ifstream in{path};
  return {std::istreambuf_iterator<char>{in}, {}};
}

TEST(names, become_snake_case_and_never_a_keyword) {
  EXPECT_EQ(snake_case("LogMessage"), "log_message");
  EXPECT_EQ(snake_case("appId"), "app_id");
  EXPECT_EQ(snake_case("HTTPRequest2Go"), "http_request2_go");
  EXPECT_EQ(snake_case("windowstart"), "windowstart");
  EXPECT_EQ(snake_case("WARN"), "warn");
  EXPECT_EQ(identifier("class"), "class_");
  EXPECT_EQ(identifier("Default"), "default_");
  EXPECT_EQ(cpp_type("logproc.data.LogMessage"), "::logproc::data::log_message");
  EXPECT_EQ(cpp_type("new.X"), "::new_::x");
  EXPECT_EQ(cpp_type("X"), "::x");
}

TEST(names, that_would_be_the_same_keep_their_spelling) {
  EXPECT_EQ(identifiers({"aB", "a_b", "c"}, {}), (std::vector<std::string>{"aB", "a_b", "c"}));
  EXPECT_EQ(identifiers({"view", "x"}, {"view"}), (std::vector<std::string>{"view_", "x"}));
}

TEST(emitter, writes_the_header_that_its_readers_know) {
  const auto set = read_schema_set(std::vector{testdata / "LogMessage.avsc"});
  ASSERT_TRUE(set) << set.error().message;
  const auto files = emit("log_schemas", set->units, set->nodes);
  ASSERT_TRUE(files);
  ASSERT_EQ(files->size(), 2U);
  EXPECT_EQ((*files)[0].name, "log_message.hpp");
  EXPECT_EQ((*files)[0].text, text_of(testdata / "log_message.hpp.expected"));
  EXPECT_EQ((*files)[1].text, text_of(testdata / "log_message.cpp.expected"));
}

TEST_F(schema_files, that_define_nothing_or_the_same_twice_are_refused) {
  const auto record = R"({"type":"record","name":"A","fields":[]})";
  const auto file = write("A.avsc", record);
  EXPECT_EQ(problem_of({file}), "nothing");
  EXPECT_EQ(problem_of({write("N.avsc", R"({"type":"array","items":"int"})")}),
            (folder / "N.avsc").string() +
                ": expected a schema that defines a record or an enum, found none");
  EXPECT_EQ(problem_of({file, write("B.avsc", record)}),
            (folder / "B.avsc").string() +
                ":1:25: expected a new name, found A, which is already defined");
  EXPECT_EQ(problem_of({file, write("C.avsc", R"({"type":"record","name":"n.A","fields":[]})")}),
            (folder / "C.avsc").string() +
                ": expected a schema of another name than that of A.avsc, found a in both");
  EXPECT_EQ(problem_of({folder / "none.avsc"}),
            (folder / "none.avsc").string() + ": expected a readable file");
}

TEST_F(schema_files, whose_types_would_have_one_name_in_cpp_are_refused) {
  EXPECT_EQ(problem_of({write("A.avsc", R"({"type":"record","name":"LogKey","fields":[
              {"name":"k","type":{"type":"enum","name":"Log_key","symbols":["a"]}}]})")}),
            "A.avsc: expected different C++ names, found log_key for both LogKey and Log_key; "
            "rename one of them");
  EXPECT_EQ(problem_of({write(
                "U.avsc", R"({"type":"record","name":"U","fields":[{"name":"u","type":[]}]})")}),
            "expected a union of at least one type, found an empty one, which has no values");
}

}  // namespace
