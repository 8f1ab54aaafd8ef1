// The include statement; the rest of the grammar is in parser.cpp.
#include "cloudflow/config/parser.hpp"

#include <fmt/format.h>

#include <utility>

namespace cloudflow::config::detail {

namespace {

struct kind_name {
  std::string_view opening;
  include_kind kind;
};
constexpr kind_name kinds[] = {
    {"url(", include_kind::url},
    {"file(", include_kind::file},
    {"classpath(", include_kind::classpath},
};
constexpr std::string_view required_opening = "required(";

bool opens(const token& t, std::string_view word) {
  return t.kind == token_kind::unquoted && t.text.starts_with(word);
}

// What is left of unquoted text once its first `n` bytes are taken.
token rest_of(token t, std::size_t n) {
  t.text.erase(0, n);
  t.column += static_cast<int>(n);
  return t;
}

}  // namespace

parser::success parser::parse_include(const origin& keyword, object_builder& into) {
  auto request = parse_include_request();
  if (!request) return false;
  request->where = keyword;
  return add_included(*request, into);
}

/// `"name"`, `file("name")` or `required(` of one of them `)`.
std::optional<include_request> parser::parse_include_request() {
  auto t = next_content();
  if (!opens(t, required_opening)) return parse_included_name(t);
  if (t.text.size() > required_opening.size()) put_back(rest_of(t, required_opening.size()));
  auto request = parse_included_name(next_content());
  if (!request || !expect_close_paren()) return std::nullopt;
  request->required = true;
  return request;
}

std::optional<include_request> parser::parse_included_name(const token& t) {
  if (t.kind == token_kind::quoted) return include_request{include_kind::heuristic, t.text};
  if (t.kind == token_kind::unquoted) return parse_include_kind(t);
  fail_expecting(t, "the quoted name of a file after 'include'");
  return std::nullopt;
}

std::optional<include_request> parser::parse_include_kind(const token& t) {
  for (const auto& [opening, kind] : kinds) {
    if (!opens(t, opening)) continue;
    if (t.text.size() > opening.size()) put_back(rest_of(t, opening.size()));
    const auto name = next_content();
    if (name.kind != token_kind::quoted) {
      fail_expecting(name, fmt::format("a quoted name in {}...)", opening));
      return std::nullopt;
    }
    if (!expect_close_paren()) return std::nullopt;
    return include_request{kind, name.text};
  }
  fail_expecting(t, "a quoted name, file(\"...\") or required(\"...\") after 'include'");
  return std::nullopt;
}

parser::success parser::expect_close_paren() {
  auto t = next_content();
  if (!opens(t, ")")) return fail_expecting(t, "')'");
  if (t.text.size() > 1) put_back(rest_of(std::move(t), 1));
  return true;
}

/// Puts what the file says where the include stands.
parser::success parser::add_included(const include_request& request, object_builder& into) {
  auto included = read_included(request, {base_.source, base_.policy, base_.files, nesting_});
  for (auto& p : included.problems) report_later(std::move(p));
  for (auto& d : included.duplicates) duplicates_.push_back(std::move(d));
  if (!included.problems.empty()) return true;
  if (lists_ > 0 && !included.root->resolved) {
    report_later({problem_kind::parse, request.where,
                  fmt::format("\"{}\" is included inside a list and has substitutions, which cannot"
                              " refer to an item of a list",
                              request.name),
                  "Include it outside the list."});
    return true;
  }
  const auto root = relocated(included.root, path_);
  for (const auto& f : root->as<object_body>()->fields) {
    const std::string keys[] = {f.key};
    into.put(keys, f.where, f.content);
  }
  return true;
}

}  // namespace cloudflow::config::detail
