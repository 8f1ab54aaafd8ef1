#include "cloudflow/blueprint/internal/value_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace cloudflow::blueprint::internal {
namespace {

std::string list_text(const config::value::list& list) {
  std::string out = "[";
  for (const auto& element : list) {
    if (out.size() > 1) out += ", ";
    out += element.text().value_or(config::to_json(element));
  }
  return out + "]";
}

void flatten_into(const config::value& v, const std::string& path, const config::origin& where,
                  std::vector<std::pair<std::string, located_text>>& leaves) {
  if (const auto* members = v.as_object()) {
    for (const auto& m : *members)
      flatten_into(m.content, path.empty() ? m.key : path + "." + m.key, m.where, leaves);
  } else if (const auto* list = v.as_list()) {
    leaves.emplace_back(path, located_text{list_text(*list), where});
  } else if (auto text = v.text()) {
    leaves.emplace_back(path, located_text{*std::move(text), where});
  }
}

}  // namespace

std::string_view type_name(const config::value& v) {
  if (v.is_null()) return "NULL";
  if (v.as_bool() != nullptr) return "BOOLEAN";
  if (v.as_number() != nullptr) return "NUMBER";
  if (v.as_string() != nullptr) return "STRING";
  return v.is_list() ? "LIST" : "OBJECT";
}

problem format_error(const config::origin& where, std::string_view reason, std::string suggestion) {
  return {.kind = problem_kind::blueprint_format_error,
          .message = fmt::format("The blueprint file has an invalid format:\n {}", reason),
          .where = where,
          .suggestion = std::move(suggestion)};
}

problem wrong_type(const config::value& v, const config::origin& where, std::string_view path,
                   std::string_view wanted, std::string suggestion) {
  return format_error(where,
                      fmt::format("{} has type {} rather than {}", path, type_name(v), wanted),
                      std::move(suggestion));
}

std::vector<std::pair<std::string, located_text>> flatten(const config::value& v) {
  std::vector<std::pair<std::string, located_text>> leaves;
  flatten_into(v, "", v.where(), leaves);
  return leaves;
}

void collect_texts(const config::value& v, const std::string& prefix,
                   std::vector<std::string>& into) {
  if (!prefix.empty()) into.push_back(prefix);
  if (const auto* members = v.as_object()) {
    for (const auto& m : *members)
      collect_texts(m.content, prefix.empty() ? m.key : prefix + "." + m.key, into);
  } else if (const auto* list = v.as_list()) {
    for (const auto& element : *list) collect_texts(element, "", into);
  } else if (auto text = v.text()) {
    into.push_back(*std::move(text));
  }
}

std::optional<std::int32_t> to_count(const config::value& v) {
  const auto text = v.text();
  if (!text) return std::nullopt;
  std::int32_t count = 0;
  const auto* const end = text->data() + text->size();
  const auto [stop, failure] = std::from_chars(text->data(), end, count);
  if (failure != std::errc{} || stop != end || count < 1) return std::nullopt;
  return count;
}

config::value copy_object(const config::value& v, std::span<const std::string_view> without,
                          std::vector<config::member> added) {
  config::value::object kept;
  if (const auto* members = v.as_object())
    for (const auto& m : *members)
      if (std::find(without.begin(), without.end(), m.key) == without.end()) kept.push_back(m);
  for (auto& m : added) kept.push_back(std::move(m));
  return {std::move(kept), v.where()};
}

}  // namespace cloudflow::blueprint::internal
