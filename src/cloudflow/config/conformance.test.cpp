// Documents beside the verdict of the reference implementation: testdata/README.md says what they
// are.
#include "cloudflow/config/value.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <string>

namespace cloudflow::config {
namespace {

std::string kind_name(problem_kind kind) {
  switch (kind) {
    case problem_kind::parse: return "Parse";
    case problem_kind::unresolved_substitution: return "UnresolvedSubstitution";
    case problem_kind::wrong_type: return "WrongType";
    case problem_kind::bad_path: return "BadPath";
    case problem_kind::io: return "IO";
    case problem_kind::missing: return "Missing";
  }
  return {};
}

/// `{"json": ...}` or `{"error": kind of the first problem}`.
nlohmann::json verdict_on(const std::string& text) {
  const auto failed = [](const std::vector<problem>& problems) {
    return nlohmann::json{{"error", kind_name(problems.at(0).kind)}};
  };
  const auto parsed = parse_text(text, "no-such-folder/document.conf");
  if (!parsed) return failed(parsed.error());
  const auto resolved = parsed->resolve({});
  if (!resolved) return failed(resolved.error());
  return {{"json", nlohmann::json::parse(to_json(*resolved))}};
}

void compare_all(const std::string& file, int expected_count) {
  std::ifstream in(std::string{CLOUDFLOW_SOURCE_DIR} + "/src/cloudflow/config/testdata/" + file);
  int count = 0;
  for (std::string line; std::getline(in, line); ++count) {
    const auto wanted = nlohmann::json::parse(line);
    const auto text = wanted["text"].get<std::string>();
    const auto got = verdict_on(text);
    const auto* key = wanted.contains("json") ? "json" : "error";
    EXPECT_TRUE(got.contains(key) && got[key] == wanted[key])
        << text << "\n  ours:      " << got << "\n  reference: " << wanted[key];
  }
  EXPECT_EQ(count, expected_count) << file;
}

TEST(hocon, reads_the_reference_documents_as_the_reference_does) {
  compare_all("hocon.jsonl", 300);
}

TEST(hocon, reads_corner_cases_as_the_reference_does) { compare_all("more.jsonl", 1306); }

}  // namespace
}  // namespace cloudflow::config
