#include "cloudflow/blueprint/parameter_value.hpp"

#include "cloudflow/config/value.hpp"

#include <fmt/format.h>
#include <re2/re2.h>

#include <charconv>
#include <cmath>
#include <cstdint>

namespace cloudflow::blueprint {
namespace {

re2::StringPiece piece(std::string_view text) { return {text.data(), text.size()}; }

/// `nan` and `inf` are none: no check of an author's reckons with them.
template <class Number>
bool is_number(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  Number n{};
  const auto [stop, failure] = std::from_chars(text.data(), text.data() + text.size(), n);
  return failure == std::errc{} && stop == text.data() + text.size() && std::isfinite(n);
}

/// Where the character class that begins at `open` ends; the end of the pattern if it does not.
std::size_t skip_class(std::string_view pattern, std::size_t open) {
  std::size_t i = open + 1;
  if (i < pattern.size() && pattern[i] == '^') ++i;
  if (i < pattern.size() && pattern[i] == ']') ++i;
  for (; i < pattern.size() && pattern[i] != ']'; ++i)
    if (pattern[i] == '\\') ++i;
  return i;
}

/// Where the escape at `at` ends: `\Q...\E`, `\p{...}`, `\x{...}` or one character.
std::size_t skip_escape(std::string_view pattern, std::size_t at) {
  if (at + 1 >= pattern.size()) return at;
  const auto kind = pattern[at + 1];
  if (kind == 'Q') {
    const auto end = pattern.find("\\E", at);
    return end == std::string_view::npos ? pattern.size() : end + 1;
  }
  const auto takes_braces = kind == 'p' || kind == 'P' || kind == 'x';
  if (takes_braces && at + 2 < pattern.size() && pattern[at + 2] == '{')
    return std::min(pattern.find('}', at), pattern.size());
  return at + 1;
}

/// The first `{` that opens no repetition: RE2 would take it literally, Java refuses it.
std::optional<std::size_t> stray_brace(std::string_view pattern) {
  static const RE2 repetition{R"(\{\d+(,\d*)?\})"};
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\') {
      i = skip_escape(pattern, i);
    } else if (pattern[i] == '[') {
      i = skip_class(pattern, i);
    } else if (pattern[i] == '{') {
      auto rest = piece(pattern.substr(i));
      if (!RE2::Consume(&rest, repetition)) return i;
    }
  }
  return std::nullopt;
}

result<std::string, value_problem> check_text(const parameter_descriptor& parameter,
                                              std::string_view text) {
  const auto& pattern = parameter.validation_pattern;
  if (!pattern) return std::string{text};
  if (const auto fault = pattern_problem(*pattern))
    return value_problem{value_problem_kind::bad_pattern, *fault};
  if (!RE2::FullMatch(piece(text), RE2{piece(*pattern), RE2::Quiet}))
    return value_problem{value_problem_kind::no_match, "a string value"};
  return std::string{text};
}

}  // namespace

result<std::string, value_problem> check_value(const parameter_descriptor& parameter,
                                               std::string_view text) {
  const auto& type = parameter.validation_type;
  const auto taken_if = [&](bool is_met) -> result<std::string, value_problem> {
    if (is_met) return std::string{text};
    return value_problem{value_problem_kind::wrong_type, std::string{expected_value(type)}};
  };
  if (type == "string") return check_text(parameter, text);
  if (type == "int32") return taken_if(is_number<std::int32_t>(text));
  if (type == "double") return taken_if(is_number<double>(text));
  if (type == "duration") return taken_if(config::parse_duration(text).has_value());
  if (type == "memorysize") return taken_if(config::parse_memory_size(text).has_value());
  if (type == "bool") {
    if (const auto flag = config::parse_bool(text)) return std::string{*flag ? "true" : "false"};
    return taken_if(false);
  }
  return value_problem{value_problem_kind::unknown_type, type};
}

std::string_view expected_value(std::string_view validation_type) {
  if (validation_type == "string") return "a string value";
  if (validation_type == "int32") return "an integer value";
  if (validation_type == "double") return "a double value";
  if (validation_type == "duration") return "a duration value";
  if (validation_type == "memorysize") return "a memory size value";
  if (validation_type == "bool") return "a boolean value";
  return "a value";
}

std::optional<std::string> pattern_problem(std::string_view pattern) {
  if (const auto at = stray_brace(pattern))
    return fmt::format("the '{{' at character {} opens no repetition; write \\{{ for a brace",
                       *at + 1);
  const RE2 compiled{piece(pattern), RE2::Quiet};
  if (!compiled.ok()) return compiled.error();
  return std::nullopt;
}

}  // namespace cloudflow::blueprint
