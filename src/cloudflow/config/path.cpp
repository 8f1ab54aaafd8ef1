#include "cloudflow/config/path.hpp"

#include "cloudflow/config/render.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace cloudflow::config::detail {

namespace {

struct element {
  std::string key;
  bool may_be_empty = false;
};

problem bad_path(const origin& where, std::string message, std::string suggestion) {
  return {problem_kind::bad_path, where, std::move(message), std::move(suggestion)};
}

void add_unquoted(std::vector<element>& elements, std::string_view text) {
  for (auto dot = text.find('.'); dot != std::string_view::npos; dot = text.find('.')) {
    elements.back().key += text.substr(0, dot);
    elements.push_back({});
    text.remove_prefix(dot + 1);
  }
  elements.back().key += text;
}

bool is_plain(std::string_view key) {
  return !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  });
}

}  // namespace

std::string to_string(std::span<const std::string> keys) {
  std::string out;
  for (const auto& key : keys) {
    if (!out.empty()) out += '.';
    out += is_plain(key) ? key : detail::quoted(key);
  }
  return out;
}

result<key_path> parse_path(std::span<const token> tokens, const origin& where) {
  if (tokens.empty()) {
    return bad_path(where, "a path is expected here, but there is nothing", "Name a key.");
  }
  std::vector<element> elements(1);
  for (const auto& t : tokens) {
    if (t.kind == token_kind::blank) continue;
    if (t.kind == token_kind::quoted) {
      elements.back().key += t.text;
      if (elements.back().key.empty()) elements.back().may_be_empty = true;
    } else if (is_value(t) || t.kind == token_kind::unquoted) {
      add_unquoted(elements, t.text);
    } else {
      return bad_path(where, fmt::format("a path cannot hold {}", describe(t)),
                      "Put it in double quotes if it belongs to a key.");
    }
  }
  key_path keys;
  for (auto& e : elements) {
    if (e.key.empty() && !e.may_be_empty) {
      return bad_path(where, "the path has a '.' at its start, at its end or beside another '.'",
                      "Remove it, or write \"\" for a key that is empty.");
    }
    keys.push_back(std::move(e.key));
  }
  return keys;
}

result<key_path> parse_path(std::string_view text, const origin& where) {
  lexer words{text};
  std::vector<token> tokens;
  for (auto t = words.next(); t.kind != token_kind::end; t = words.next()) tokens.push_back(t);
  return parse_path(tokens, where);
}

}  // namespace cloudflow::config::detail
