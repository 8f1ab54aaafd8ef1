#include "cloudflow/blueprint/verify.hpp"

#include "cloudflow/blueprint/descriptor_json.hpp"
#include "cloudflow/blueprint/internal/test_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cloudflow::blueprint {
namespace {

verification verify_case(const std::filesystem::path& folder) {
  auto descriptors = descriptors_from_json(internal::read_text(folder / "descriptors.json"));
  EXPECT_TRUE(descriptors) << folder << ": " << descriptors.error().message;
  if (!descriptors) return {};
  return verify(internal::read_text(folder / "blueprint.conf"), "blueprint.conf", *descriptors);
}

// Each folder of testdata/verify: blueprint.conf and descriptors.json give the problems of
// expected.txt.
TEST(verify, prints_every_problem_once_with_its_place_reason_and_suggestion) {
  for (const auto& folder : internal::test_cases(CLOUDFLOW_SOURCE_DIR, "verify")) {
    SCOPED_TRACE(folder.filename().string());
    const auto printed = to_string(verify_case(folder).problems);
    EXPECT_EQ(printed, internal::expected_text(folder / "expected.txt", printed));
  }
}

TEST(verify, finds_ten_planted_mistakes_in_one_run_and_no_eleventh) {
  const auto found =
      verify_case(internal::test_directory(CLOUDFLOW_SOURCE_DIR, "verify/ten_mistakes"));
  EXPECT_EQ(found.problems.size(), 10u);
  std::vector<problem_kind> kinds;
  for (const auto& p : found.problems) {
    EXPECT_GT(p.where.line, 0) << p.message;
    EXPECT_FALSE(p.excerpt.empty()) << p.message;
    EXPECT_FALSE(p.suggestion.empty()) << p.message;
    kinds.push_back(p.kind);
  }
  std::sort(kinds.begin(), kinds.end());
  EXPECT_EQ(std::adjacent_find(kinds.begin(), kinds.end()), kinds.end()) << "ten different kinds";
}

TEST(verify, gives_streamlets_and_topics_in_the_order_of_the_file) {
  const auto found = verify_case(internal::test_directory(CLOUDFLOW_SOURCE_DIR, "verify/valid"));
  ASSERT_TRUE(found.is_valid()) << to_string(found.problems);
  ASSERT_EQ(found.blueprint.streamlets.size(), 3u);
  EXPECT_EQ(found.blueprint.streamlets[2].name, "statistics");
  std::vector<std::string> ids;
  for (const auto& t : found.blueprint.topics) ids.push_back(t.id);
  EXPECT_THAT(ids, testing::ElementsAre("lines", "invalid-lines", "messages", "stats"));
  EXPECT_EQ(found.blueprint.topics[0].cluster, "main");
  EXPECT_THAT(found.blueprint.topics[2].consumers, testing::ElementsAre("statistics.in"));
}

TEST(verify, puts_partitions_where_the_operator_of_2_3_reads_them) {
  const auto found = verify_case(internal::test_directory(CLOUDFLOW_SOURCE_DIR, "verify/valid"));
  ASSERT_EQ(found.blueprint.topics.size(), 4u);
  EXPECT_EQ(config::to_json(found.blueprint.topics[2].kafka_config),
            R"({"partitions":4,"topic":{"retention":{"ms":1000}}})");
}

TEST(verify, of_an_empty_application_says_that_it_is_empty_and_no_more) {
  const auto found =
      verify("blueprint { streamlets {}, topics { t { producers = [a.b] } } }", "b.conf", {});
  EXPECT_EQ(
      to_string(found.problems),
      "b.conf: error: The application blueprint is empty.\n"
      "  write <name> = <class> into blueprint.streamlets\n"
      "b.conf: error: The streamlet descriptor list is empty.\n"
      "  name the streamlet classes where the program's main function makes the application\n");
}

TEST(verify, of_what_is_no_hocon_reports_a_format_error_with_its_line) {
  const auto found = verify("blueprint {\n  streamlets {\n", "b.conf", {});
  ASSERT_EQ(found.problems.size(), 1u);
  EXPECT_EQ(found.problems[0].kind, problem_kind::blueprint_format_error);
  EXPECT_TRUE(
      found.problems[0].message.starts_with("The blueprint file has an invalid format:\n "));
  EXPECT_GT(found.problems[0].where.line, 0);
  EXPECT_FALSE(found.is_valid());
}

}  // namespace
}  // namespace cloudflow::blueprint
