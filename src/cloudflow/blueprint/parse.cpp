#include "cloudflow/blueprint/parse.hpp"

#include "cloudflow/blueprint/internal/parse_topic.hpp"
#include "cloudflow/blueprint/internal/value_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace cloudflow::blueprint {
namespace {

using internal::format_error;
using internal::wrong_type;

constexpr std::string_view duplicated_streamlet_path = "blueprint.streamlets.";

/// Where line `line`, column `column` (from 1) begins in `text`; its end if it has fewer.
std::size_t offset_of(std::string_view text, const config::origin& where) {
  std::size_t at = 0;
  for (int line = 1; line < where.line && at < text.size(); ++line)
    at = std::min(text.find('\n', at), text.size() - 1) + 1;
  return std::min(at + static_cast<std::size_t>(std::max(where.column - 1, 0)), text.size());
}

/// Words of a port path's characters in `text`.
void collect_words(std::string_view text, std::vector<std::string>& into) {
  std::string word;
  for (const auto c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '.' || c == '-' || c == '_') {
      word += c;
    } else if (!word.empty()) {
      into.push_back(std::exchange(word, {}));
    }
  }
  if (!word.empty()) into.push_back(std::move(word));
}

class blueprint_reader {
public:
  blueprint_reader(std::string_view text, std::string source) {
    result_.blueprint.text = text;
    result_.blueprint.source = std::move(source);
  }

  parsed_blueprint read() && {
    const auto parsed = config::parse_text(result_.blueprint.text, result_.blueprint.source);
    if (!parsed) {
      report(parsed.error());
      return std::move(result_);
    }
    read_duplicates(*parsed);
    const auto root = parsed->resolve({.environment = &config::process_environment});
    if (root) {
      read_root(*root);
    } else {
      report(root.error());
    }
    return std::move(result_);
  }

private:
  void report(const std::vector<config::problem>& problems) {
    for (const auto& p : problems)
      result_.problems.push_back(format_error(p.where, p.message, p.suggestion));
  }

  void read_duplicates(const config::document& document) {
    for (const auto& d : document.duplicates()) {
      result_.problems.push_back(
          {.kind = problem_kind::duplicate_key,
           .message =
               fmt::format("The key '{}' is set twice; the value here replaces the first.", d.path),
           .where = d.second,
           .suggestion = d.path.starts_with(duplicated_streamlet_path)
                             ? "give this streamlet another name, or remove one of the two"
                             : "remove one of the two",
           .notes = {{d.first, "the first one is here"}}});
      if (d.path.starts_with(duplicated_streamlet_path))
        doubtful_.push_back(d.path.substr(duplicated_streamlet_path.size()));
      const std::string_view text = result_.blueprint.text;
      const auto begin = offset_of(text, d.first);
      const auto end = std::max(begin, offset_of(text, d.second));
      collect_words(text.substr(begin, end - begin), result_.blueprint.ineffective_paths);
    }
  }

  void read_root(const config::value& root) {
    const auto* blueprint = root.get("blueprint");
    if (blueprint == nullptr || blueprint->is_null()) return report_missing_blueprint(root);
    if (!blueprint->is_object()) {
      result_.problems.push_back(wrong_type(*blueprint, blueprint->where(), "blueprint", "OBJECT"));
      return;
    }
    read_connections(*blueprint);
    if (const auto* streamlets = streamlets_section(*blueprint)) {
      result_.blueprint.is_readable = true;
      read_streamlets(*streamlets);
    }
    if (const auto* topics = topics_section(*blueprint)) read_topics(*topics);
  }

  void report_missing(const config::origin& where, std::string suggestion) {
    result_.problems.push_back(
        {.kind = problem_kind::missing_streamlets_section,
         .message = "The blueprint.streamlets section is missing in the blueprint file.",
         .where = where,
         .suggestion = std::move(suggestion)});
  }

  void report_missing_blueprint(const config::value& root) {
    static const std::array<std::string, 1> wanted{"blueprint"};
    if (const auto* members = root.as_object())
      for (const auto& m : *members) {
        if (config::nearest(m.key, wanted))
          return report_missing(m.where, "did you mean 'blueprint'?");
        if (m.key == "streamlets" || m.key == "topics")
          return report_missing(m.where, "put it into 'blueprint { ... }'");
      }
    report_missing({std::make_shared<const std::string>(result_.blueprint.source), 1, 1},
                   "write blueprint { streamlets { <name> = <class> }, topics { ... } }");
  }

  /// A section by its name, or by a misspelling of it that is an object.
  const config::member* find_section(const config::value& blueprint, const std::string& name) {
    const config::member* near = nullptr;
    for (const auto& m : *blueprint.as_object()) {
      if (m.key == name && !m.content.is_null()) return &m;
      if (m.key != "streamlets" && m.key != "topics" && m.content.is_object() &&
          config::nearest(m.key, std::array{name}))
        near = &m;
    }
    return near;
  }

  const config::value* streamlets_section(const config::value& blueprint) {
    const auto* section = find_section(blueprint, "streamlets");
    if (section == nullptr) {
      report_missing(blueprint.where(), "write streamlets { <name> = <class> } in it");
      return nullptr;
    }
    if (section->key != "streamlets")
      report_missing(section->where,
                     fmt::format("did you mean 'streamlets' instead of '{}'?", section->key));
    if (section->content.is_object()) return &section->content;
    result_.problems.push_back(
        wrong_type(section->content, section->where, "blueprint.streamlets", "OBJECT"));
    return nullptr;
  }

  const config::value* topics_section(const config::value& blueprint) {
    const auto* section = find_section(blueprint, "topics");
    if (section == nullptr) return nullptr;
    if (section->key != "topics")
      result_.problems.push_back(
          {.kind = problem_kind::unknown_key,
           .message = fmt::format("Unknown key 'blueprint.{}'.", section->key),
           .where = section->where,
           .suggestion = "did you mean 'topics'?"});
    if (section->content.is_object()) return &section->content;
    result_.problems.push_back(
        wrong_type(section->content, section->where, "blueprint.topics", "OBJECT"));
    internal::collect_texts(section->content, "", result_.blueprint.ineffective_paths);
    return nullptr;
  }

  void read_connections(const config::value& blueprint) {
    for (const auto& m : *blueprint.as_object()) {
      if (m.key != "connections") continue;
      result_.problems.push_back(format_error(
          m.where,
          "Invalid path 'blueprint.connections': Please specify 'blueprint.topics' section instead "
          "of previously supported 'blueprint.connections' section.",
          "write topics { <topic> { producers = [<streamlet>.<outlet>], consumers = "
          "[<streamlet>.<inlet>] } }"));
      internal::collect_texts(m.content, "", result_.blueprint.ineffective_paths);
    }
  }

  void read_streamlets(const config::value& section) {
    for (const auto& m : *section.as_object()) {
      auto class_name = m.content.text();
      const auto is_doubtful =
          std::find(doubtful_.begin(), doubtful_.end(), m.key) != doubtful_.end();
      result_.blueprint.streamlets.push_back(
          {.name = {m.key, m.where},
           .class_name = {class_name.value_or(""), m.content.where()},
           .is_certain = class_name && !is_doubtful});
      if (!class_name)
        result_.problems.push_back(
            wrong_type(m.content, m.where, fmt::format("blueprint.streamlets.{}", m.key), "STRING",
                       m.content.is_object()
                           ? "a name has no dots, and a class is a text: write <name> = <class>"
                           : "write <name> = <class>"));
    }
  }

  void read_topics(const config::value& section) {
    for (const auto& m : *section.as_object()) {
      if (m.content.is_null()) continue;
      if (m.content.is_object()) {
        result_.blueprint.topics.push_back(
            internal::parse_topic(m, result_.problems, result_.blueprint.ineffective_paths));
        continue;
      }
      result_.problems.push_back(
          wrong_type(m.content, m.where, fmt::format("blueprint.topics.{}", m.key), "OBJECT",
                     fmt::format("write {} {{ producers = [...], consumers = [...] }}", m.key)));
      internal::collect_texts(m.content, "", result_.blueprint.ineffective_paths);
    }
  }

  parsed_blueprint result_;
  std::vector<std::string> doubtful_;  ///< streamlets defined twice
};

}  // namespace

parsed_blueprint parse(std::string_view text, std::string source) {
  return blueprint_reader{text, std::move(source)}.read();
}

}  // namespace cloudflow::blueprint
