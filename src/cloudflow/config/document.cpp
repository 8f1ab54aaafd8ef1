#include "cloudflow/config/include.hpp"
#include "cloudflow/config/merge.hpp"
#include "cloudflow/config/parser.hpp"
#include "cloudflow/config/resolver.hpp"
#include "cloudflow/config/unicode.hpp"
#include "cloudflow/config/value.hpp"

#include <cstdlib>
#include <utility>

namespace cloudflow::config {

struct document::tree {
  detail::node_ptr root;
  std::vector<duplicate_key> duplicates;
};

document::document(std::shared_ptr<const tree> root) : root_{std::move(root)} {}

std::span<const duplicate_key> document::duplicates() const { return root_->duplicates; }

document document::over(const document& below) const {
  auto merged = std::make_shared<tree>(*root_);
  merged->root = detail::over(root_->root, below.root_->root);
  const auto& more = below.root_->duplicates;
  merged->duplicates.insert(merged->duplicates.end(), more.begin(), more.end());
  return document{std::move(merged)};
}

cloudflow::result<value, std::vector<problem>> document::resolve(
    const resolve_options& options) const {
  detail::resolver work{root_->root, options};
  const auto resolved = work.run();
  if (!resolved) return std::move(work.problems());
  auto out = detail::to_value(*resolved);
  if (!out) return std::vector{std::move(out).error()};
  return std::move(*out);
}

std::optional<std::string> process_environment(const std::string& name) {
  const auto* found = std::getenv(name.c_str());
  if (found == nullptr) return std::nullopt;
  return found;
}

// -- parsing --------------------------------------------------------------------------------------

cloudflow::result<document, std::vector<problem>> parse_text(std::string_view text,
                                                             std::string source,
                                                             include_policy includes) {
  auto name = std::make_shared<const std::string>(std::move(source));
  auto parsed = detail::parser{text, {.source = std::move(name), .policy = includes}}.run();
  if (!parsed.problems.empty()) return std::move(parsed.problems);
  return document{std::make_shared<document::tree>(
      document::tree{std::move(parsed.root), std::move(parsed.duplicates)})};
}

cloudflow::result<document, std::vector<problem>> parse_file(const std::string& path) {
  auto content = detail::read_text(path, {std::make_shared<const std::string>(path), 0, 0});
  if (!content) return std::vector{std::move(content).error()};
  return parse_text(*content, path);
}

cloudflow::result<document, std::vector<problem>> parse_assignment(std::string_view assignment) {
  const std::string source = "command line";
  const auto equals = assignment.find('=');
  if (equals == std::string_view::npos || detail::trimmed(assignment.substr(0, equals)).empty()) {
    const origin where{std::make_shared<const std::string>(source), 1, 1};
    // A value may be a secret; the key before it is none.
    const std::string key{assignment.substr(0, assignment.find_first_of("=:"))};
    return std::vector{problem{problem_kind::parse, where,
                               "expected key=value, found '" + key + "'",
                               "Write a key, '=' and a value: cloudflow.streamlets.a=1."}};
  }
  return parse_text(assignment, source);
}

}  // namespace cloudflow::config
