// The verdicts of Cloudflow 2.3.2's verifier over 600 generated blueprints
// (testdata/blueprints.jsonl.gz). Ours are equal but for the differences named below, which
// docs/blueprint-differences.md gives with their reasons.
#include "cloudflow/blueprint/custom_resource.hpp"
#include "cloudflow/blueprint/descriptor_json.hpp"
#include "cloudflow/blueprint/internal/test_files.hpp"
#include "cloudflow/blueprint/names.hpp"
#include "cloudflow/blueprint/verify.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <zlib.h>

#include <map>
#include <optional>
#include <set>

namespace cloudflow::blueprint {
namespace {

using nlohmann::json;

std::vector<json> read_verdicts() {
  std::string text(std::size_t{16} << 20U, '\0');
  const auto file = internal::test_directory(CLOUDFLOW_SOURCE_DIR, "blueprints.jsonl.gz").string();
  auto* in = gzopen(file.c_str(), "rb");
  if (in == nullptr) return {};
  const auto size = gzread(in, text.data(), static_cast<unsigned>(text.size()));
  gzclose(in);
  text.resize(static_cast<std::size_t>(std::max(size, 0)));
  std::vector<json> out;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find('\n', at);
    out.push_back(json::parse(text.substr(at, end - at)));
    at = end == std::string::npos ? text.size() : end + 1;
  }
  return out;
}

const std::vector<json>& verdicts() {
  static const auto all = read_verdicts();
  return all;
}

/// A problem as it is compared: one for each port that is not connected, topics of a port by name.
struct finding {
  std::string kind, message, subject;
  std::string suggestion{};  ///< ours only
  auto operator<=>(const finding& other) const {
    return std::tie(kind, message) <=> std::tie(other.kind, other.message);
  }
  bool operator==(const finding& other) const {
    return std::tie(kind, message) == std::tie(other.kind, other.message);
  }
};

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> out;
  while (true) {
    const auto comma = text.find(',');
    out.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return out;
    text.remove_prefix(comma + 1);
  }
}

std::string between(std::string_view text, char open, char close) {
  const auto first = text.find(open);
  if (first == std::string_view::npos) return {};
  const auto last = text.find(close, first + 1);
  return std::string{text.substr(first + 1, last - first - 1)};
}

void add_finding(std::vector<finding>& to, const std::string& kind, const std::string& message,
                 const std::string& suggestion = {}) {
  if (kind.starts_with("Unconnected")) {
    auto paths = message.find('(') != std::string::npos ? split(between(message, '(', ')'))
                                                        : std::vector{between(message, ' ', ' ')};
    for (auto& path : paths) to.push_back({kind, path, path, suggestion});
  } else if (kind == "PortBoundToManyTopics") {
    const auto colon = message.find(": ");
    auto topics = split(std::string_view{message}.substr(colon + 2, message.size() - colon - 3));
    std::sort(topics.begin(), topics.end());
    to.push_back({kind, fmt::format("{} {}", message.substr(0, colon), fmt::join(topics, ",")),
                  between(message, '\'', '\''), suggestion});
  } else {
    to.push_back({kind, message, between(message, '\'', '\''), suggestion});
  }
}

/// The port lists of each topic, and where 2.3 did not find a path.
struct port_list {
  std::set<std::string> paths;
  bool has_unknown = false;
};

class comparison {
public:
  explicit comparison(const json& verdict)
    : verdict_(&verdict),
      parsed_(parse(verdict["blueprint"].get<std::string>(), "blueprint.conf")) {
    const auto descriptors = descriptors_from_json(verdict["descriptors"].dump());
    EXPECT_TRUE(descriptors);
    if (descriptors) ours_ = verify(parsed_, *descriptors);
    for (const auto& p : verdict["problems"])
      add_finding(theirs_, p["kind"].get<std::string>(), p["message"].get<std::string>());
    for (const auto& p : ours_.problems) {
      if (p.level == severity::warning) continue;
      add_finding(found_, std::string{to_string(p.kind)}, p.message, p.suggestion);
    }
    find_port_lists();
  }

  /// @return what is not explained; counts the differences that are
  std::vector<std::string> run(std::map<std::string, int>& differences) {
    halve_paths_not_found(differences);
    std::vector<std::string> unexplained;
    auto theirs = std::multiset<finding>(theirs_.begin(), theirs_.end());
    for (const auto& f : found_) {
      if (const auto same = theirs.find(f); same != theirs.end()) {
        theirs.erase(same);
      } else if (const auto why = explain_added(f)) {
        ++differences[*why];
      } else {
        unexplained.push_back(fmt::format("only ours: {} {}", f.kind, f.message));
      }
    }
    for (const auto& f : theirs) {
      if (const auto why = explain_missing(f)) {
        ++differences[*why];
      } else {
        unexplained.push_back(fmt::format("only theirs: {} {}", f.kind, f.message));
      }
    }
    return unexplained;
  }

  const json& verdict() const { return *verdict_; }
  const verification& ours() const { return ours_; }
  bool has(std::string_view kind) const {
    return std::any_of(found_.begin(), found_.end(), [&](const auto& f) { return f.kind == kind; });
  }
  bool theirs_has(std::string_view kind) const {
    return std::any_of(theirs_.begin(), theirs_.end(),
                       [&](const auto& f) { return f.kind == kind; });
  }
  /// Blueprints that 2.3 takes and we refuse on purpose.
  bool is_refused_by_us_alone() const { return has("DuplicateKey") || has_dot_name(); }

private:
  bool has_dot_name() const {
    return std::any_of(found_.begin(), found_.end(), [](const finding& f) {
      return f.kind == "InvalidTopicName" && (f.subject == "." || f.subject == "..");
    });
  }

  void find_port_lists() {
    std::set<std::string> unknown;
    for (const auto& f : theirs_)
      if (f.kind == "PortPathNotFound") unknown.insert(f.subject);
    for (const auto& topic : parsed_.blueprint.topics)
      for (const auto* list : {&topic.producers, &topic.consumers}) {
        port_list out;
        for (const auto& written : *list) {
          const auto path = parse_port_path(written.text);
          if (!path) continue;
          out.paths.insert(path->text());
          out.has_unknown = out.has_unknown || unknown.contains(path->text());
        }
        lists_.push_back(std::move(out));
      }
  }

  /// 2.3 reports each path that it does not find twice.
  void halve_paths_not_found(std::map<std::string, int>& differences) {
    std::map<std::string, int> seen;
    std::erase_if(theirs_, [&](const finding& f) {
      const auto is_second = f.kind == "PortPathNotFound" && ++seen[f.message] % 2 == 0;
      if (is_second) ++differences["paths-once"];
      return is_second;
    });
  }

  bool is_beside_unknown_path(const std::string& path) const {
    return std::any_of(lists_.begin(), lists_.end(), [&](const port_list& list) {
      return list.has_unknown && list.paths.contains(path);
    });
  }

  bool is_meant(const std::string& path) const {
    return std::any_of(found_.begin(), found_.end(), [&](const finding& f) {
      return f.suggestion == fmt::format("did you mean '{}'?", path);
    });
  }

  /// Whether we report something about the streamlet that its ports follow from.
  bool has_streamlet_problem(std::string_view streamlet) const {
    return std::any_of(ours_.problems.begin(), ours_.problems.end(), [&](const problem& p) {
      switch (p.kind) {
        case problem_kind::streamlet_descriptor_not_found:
          return p.message.ends_with(fmt::format(" for {} cannot be found.", streamlet));
        case problem_kind::duplicate_key:
          return p.message.find(fmt::format("'blueprint.streamlets.{}'", streamlet)) !=
                 std::string::npos;
        case problem_kind::empty_streamlets: return true;
        default: return false;
      }
    });
  }

  static std::string streamlet_of(const std::string& path) {
    return path.substr(0, path.rfind('.'));
  }

  std::optional<std::string> explain_missing(const finding& f) const {
    if (f.kind == "BlueprintFormatError" && has("BlueprintFormatError")) return "format-text";
    if (f.kind == "PortPathNotFound" && has_streamlet_problem(streamlet_of(f.subject)))
      return "follows-from-streamlet";
    if (f.kind.starts_with("Unconnected")) {
      if (is_beside_unknown_path(f.subject)) return "list-survives-unknown-path";
      if (is_meant(f.subject)) return "evidently-meant";
      if (has_streamlet_problem(streamlet_of(f.subject))) return "follows-from-streamlet";
    }
    return std::nullopt;
  }

  std::optional<std::string> explain_added(const finding& f) const {
    if (f.kind == "BlueprintFormatError" && theirs_has("BlueprintFormatError"))
      return "format-text";
    // Types and sections, after which the rest of the file can still be read.
    if (theirs_has("BlueprintFormatError") && parsed_.blueprint.is_readable)
      return "reads-on-after-wrong-type";
    if (f.kind == "BlueprintFormatError" && theirs_has("MissingStreamletsSection"))
      return "reads-on-after-wrong-type";
    if (f.kind == "InvalidTopicName" && (f.subject == "." || f.subject == "..")) return "dot-names";
    if (f.kind == "DuplicateKey") return "duplicate-keys";
    const auto is_about_ports = f.kind == "InvalidProducerPortPath" ||
                                f.kind == "InvalidConsumerPortPath" ||
                                f.kind == "PortBoundToManyTopics" || f.kind == "IncompatibleSchema";
    if (is_about_ports)
      for (const auto& list : lists_)
        for (const auto& path : list.paths)
          if (list.has_unknown && f.message.find(path) != std::string::npos)
            return "list-survives-unknown-path";
    return std::nullopt;
  }

  const json* verdict_;
  parsed_blueprint parsed_;
  verification ours_;
  std::vector<finding> theirs_, found_;
  std::vector<port_list> lists_;
};

/// All verdicts beside ours, made once.
const std::vector<comparison>& comparisons() {
  static const std::vector<comparison> all(verdicts().begin(), verdicts().end());
  return all;
}

TEST(reference, finds_the_same_problems_but_for_the_differences_on_purpose) {
  std::map<std::string, int> differences;
  ASSERT_EQ(verdicts().size(), 600u);
  for (auto c : comparisons()) {
    const auto& verdict = c.verdict();
    const auto unexplained = c.run(differences);
    EXPECT_TRUE(unexplained.empty()) << "case " << verdict["id"] << "\n"
                                     << fmt::format("{}", fmt::join(unexplained, "\n")) << "\n"
                                     << verdict["blueprint"].get<std::string>();
  }
  const std::set<std::string> known{"paths-once",
                                    "follows-from-streamlet",
                                    "list-survives-unknown-path",
                                    "evidently-meant",
                                    "format-text",
                                    "reads-on-after-wrong-type",
                                    "dot-names",
                                    "duplicate-keys"};
  std::set<std::string> met;
  for (const auto& [name, count] : differences) met.insert(name);
  EXPECT_EQ(met, known) << "docs/blueprint-differences.md names these";
}

TEST(reference, judges_the_same_blueprints_valid_but_for_dot_names_and_duplicate_keys) {
  for (const auto& c : comparisons()) {
    const auto& verdict = c.verdict();
    if (c.is_refused_by_us_alone()) {
      EXPECT_FALSE(c.ours().is_valid()) << "case " << verdict["id"];
    } else {
      EXPECT_EQ(c.ours().is_valid(), verdict["valid"].get<bool>())
          << "case " << verdict["id"] << "\n"
          << to_string(c.ours().problems);
    }
  }
}

/// Arrays in an order of their own: that of the elements means nothing here.
json sorted(json value) {
  for (auto& element : value)
    if (element.is_structured()) element = sorted(element);
  if (value.is_array()) std::sort(value.begin(), value.end());
  return value;
}

TEST(reference, writes_the_same_application_descriptor) {
  int compared = 0;
  for (const auto& c : comparisons()) {
    const auto& verdict = c.verdict();
    if (!c.ours().is_valid()) continue;
    const auto app = make_application("gen-app", "0.0.1", c.ours().blueprint);
    const packaging how{
        .library_version = "2.3.2",
        .cli_version = "2.3.2",
        .image = "registry/ns/my-app:0.0.1",
        .agent_paths = {{"prometheus", "/prometheus/jmx_prometheus_javaagent.jar"}}};
    EXPECT_EQ(sorted(json::parse(to_spec_json(app, how))), sorted(verdict["application"]))
        << "case " << verdict["id"];
    ++compared;
  }
  EXPECT_GT(compared, 100);
}

}  // namespace
}  // namespace cloudflow::blueprint
