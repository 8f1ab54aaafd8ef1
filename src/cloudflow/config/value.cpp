#include "cloudflow/config/value.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace cloudflow::config {

std::string to_string(const origin& where) {
  const std::string_view source = where.source ? std::string_view{*where.source} : "unknown";
  if (where.line <= 0) return std::string{source};
  if (where.column <= 0) return fmt::format("{}:{}", source, where.line);
  return fmt::format("{}:{}:{}", source, where.line, where.column);
}

std::string to_string(const problem& p) {
  auto out = fmt::format("{}: error: {}", to_string(p.where), p.message);
  if (!p.suggestion.empty()) out += "\n  " + p.suggestion;
  return out;
}

value::value() = default;
value::value(std::monostate, origin where) : where_{std::move(where)} {}
value::value(bool v, origin where) : where_{std::move(where)}, held_{v} {}
value::value(number v, origin where) : where_{std::move(where)}, held_{std::move(v)} {}
value::value(std::string v, origin where) : where_{std::move(where)}, held_{std::move(v)} {}
value::value(list v, origin where) : where_{std::move(where)}, held_{std::move(v)} {}
value::value(object v, origin where) : where_{std::move(where)}, held_{std::move(v)} {}

bool value::is_null() const noexcept { return std::holds_alternative<std::monostate>(held_); }
bool value::is_object() const noexcept { return as_object() != nullptr; }
bool value::is_list() const noexcept { return as_list() != nullptr; }
const bool* value::as_bool() const noexcept { return std::get_if<bool>(&held_); }
const number* value::as_number() const noexcept { return std::get_if<number>(&held_); }
const std::string* value::as_string() const noexcept { return std::get_if<std::string>(&held_); }
const value::list* value::as_list() const noexcept { return std::get_if<list>(&held_); }
const value::object* value::as_object() const noexcept { return std::get_if<object>(&held_); }

std::optional<std::string> value::text() const {
  if (const auto* s = as_string()) return *s;
  if (const auto* n = as_number()) return n->text;
  if (const auto* b = as_bool()) return *b ? "true" : "false";
  return std::nullopt;
}

const value* value::get(std::string_view key) const {
  const auto* members = as_object();
  if (members == nullptr) return nullptr;
  const auto found =
      std::find_if(members->begin(), members->end(), [&](const member& m) { return m.key == key; });
  return found == members->end() ? nullptr : &found->content;
}

const value* value::find(std::initializer_list<std::string_view> path) const {
  const auto* at = this;
  for (const auto key : path) {
    at = at->get(key);
    if (at == nullptr) return nullptr;
  }
  return at;
}

const value* value::find(std::string_view dotted_path) const {
  const auto* at = this;
  while (at != nullptr) {
    const auto dot = dotted_path.find('.');
    at = at->get(dotted_path.substr(0, dot));
    if (dot == std::string_view::npos) break;
    dotted_path.remove_prefix(dot + 1);
  }
  return at;
}

}  // namespace cloudflow::config
