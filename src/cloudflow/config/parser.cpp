#include "cloudflow/config/parser.hpp"

#include <fmt/format.h>

#include <utility>

namespace cloudflow::config::detail {

namespace {

bool starts_value(const token& t) {
  return is_simple(t) || t.kind == token_kind::open_curly || t.kind == token_kind::open_square;
}

bool is_unquoted(const token& t, std::string_view text) {
  return t.kind == token_kind::unquoted && t.text == text;
}

bool is_separator(const token& t) {
  return t.kind == token_kind::colon || t.kind == token_kind::equals ||
         t.kind == token_kind::plus_equals;
}

// Counts a level for as long as it lives.
class level {
public:
  explicit level(int& depth) : depth_{depth} { ++depth_; }
  ~level() { --depth_; }
  level(const level&) = delete;
  level& operator=(const level&) = delete;

private:
  int& depth_;
};

}  // namespace

parser::parser(std::string_view text, include_base base)
  : lexer_{text}, base_{std::move(base)}, nesting_{base_.nesting} {}

parsed parser::run() {
  const auto first = next_content();
  node_ptr root;
  if (first.kind == token_kind::open_curly || first.kind == token_kind::open_square) {
    root = parse_value(first);
  } else {
    put_back(first);
    object_builder fields{at(first), {}, duplicates_};
    if (parse_fields(fields, false)) root = std::move(fields).take();
  }
  if (!fatal_) {
    const auto rest = next_content();
    if (rest.kind != token_kind::end) fail_expecting(rest, "the end of the file");
  }
  if (!fatal_ && root->as<list_body>()) {
    report_later({problem_kind::wrong_type, root->where,
                  "a document has to be an object, but this one is a list",
                  "Give the list a key: items = [...]."});
  }
  parsed out{std::move(root), std::move(duplicates_), {}};
  if (fatal_) out.problems.push_back(std::move(*fatal_));
  for (auto& p : later_) out.problems.push_back(std::move(p));
  return out;
}

// -- objects --------------------------------------------------------------------------------------

/// The fields up to the closing brace or, without braces, up to the end of the text.
parser::success parser::parse_fields(object_builder& into, bool braces) {
  for (;;) {
    auto t = next_content();
    if (t.kind == token_kind::close_curly && braces) return true;
    if (t.kind == token_kind::close_curly) return fail(t, "this '}' closes nothing", "Remove it.");
    if (t.kind == token_kind::end && !braces) {
      put_back(std::move(t));
      return true;
    }
    const auto parsed_one =
        is_unquoted(t, "include") ? parse_include(at(t), into) : parse_field(t, into);
    if (!parsed_one) return false;
    const auto more = another_field(braces);
    if (!more) return false;
    if (!*more) return true;
  }
}

/// After a field: whether another may follow. None: there is neither a separator nor an end.
std::optional<bool> parser::another_field(bool braces) {
  if (skip_separator()) return true;
  auto t = next_content();
  if (t.kind == token_kind::close_curly && braces) return false;
  if (t.kind == token_kind::end && !braces) {
    put_back(std::move(t));
    return false;
  }
  if (t.kind == token_kind::close_curly) {
    fail(t, "this '}' closes nothing", "Remove it.");
  } else {
    fail_expecting(t, braces ? "a comma, a new line or '}'" : "a comma or a new line");
  }
  return std::nullopt;
}

parser::success parser::parse_field(const token& first, object_builder& into) {
  const auto keys = parse_key(first);
  if (!keys) return false;
  auto separator = next_content();
  if (separator.kind != token_kind::open_curly && !is_separator(separator)) {
    return fail_expecting(separator,
                          fmt::format("'=', ':' or '{{' after the key {}", to_string(*keys)));
  }
  const auto extra = static_cast<int>(keys->size()) - 1;
  if (nesting_ + extra > max_nesting) {
    return fail(first, fmt::format("more than {} levels of nesting", max_nesting), {});
  }
  nesting_ += extra;
  path_.insert(path_.end(), keys->begin(), keys->end());
  auto content = parse_field_value(separator);
  path_.resize(path_.size() - keys->size());
  nesting_ -= extra;
  if (!content) return false;
  into.put(*keys, at(first), std::move(content));
  return true;
}

std::optional<key_path> parser::parse_key(token t) {
  const auto first = at(t);
  std::vector<token> words;
  for (; is_value(t) || t.kind == token_kind::unquoted; t = next()) words.push_back(t);
  if (words.empty()) {
    fail_expecting(t, "a key");
    return std::nullopt;
  }
  put_back(std::move(t));
  auto keys = parse_path(words, first);
  if (keys) return std::move(*keys);
  fatal_ = std::move(keys).error();
  return std::nullopt;
}

/// Null after a failure.
node_ptr parser::parse_field_value(const token& separator) {
  if (separator.kind == token_kind::open_curly) return parse_value(separator);
  const auto appends = separator.kind == token_kind::plus_equals;
  if (appends && lists_ > 0) {
    report_later(
        {problem_kind::parse, at(separator), "'+=' cannot stand inside a list",
         "Give the list that grows a key of its own outside, and refer to it with ${...}."});
  }
  if (!appends) return parse_item();
  const level in_list{lists_};
  auto item = parse_item();
  return item ? appended(std::move(item)) : nullptr;
}

/// `key += item` is `key = ${?key} [item]`.
node_ptr parser::appended(node_ptr item) {
  const auto where = item->where;
  auto before = make_node(reference{path_, true, 0}, where);
  auto list = make_node(list_body{{std::move(item)}}, where);
  return make_node(concatenation{{std::move(before), std::move(list)}}, where);
}

// -- values ---------------------------------------------------------------------------------------

/// A value where there has to be one, with all that stands beside it.
node_ptr parser::parse_item() {
  auto all = parse_concatenation();
  if (all || fatal_) return all;
  fail_expecting(next_content(), "a value");
  return nullptr;
}

/// Values side by side on one line. Null if there is none, or after a failure.
node_ptr parser::parse_concatenation() {
  std::vector<node_ptr> pieces;
  auto t = next_content();
  for (; starts_value(t) || t.kind == token_kind::blank; t = next()) {
    if (t.kind == token_kind::blank) continue;
    auto piece = parse_value(t);
    if (!piece) return nullptr;
    pieces.push_back(std::move(piece));
  }
  put_back(std::move(t));
  if (pieces.empty()) return nullptr;
  auto joined = concatenate(pieces, room_);
  if (auto* whole = std::get_if<node_ptr>(&joined)) return std::move(*whole);
  const auto& [left, right] = std::get<mismatch>(joined);
  report_later(not_joinable(*left, *right));
  return make_node(broken{}, left->where);
}

/// Null after a failure.
node_ptr parser::parse_value(const token& t) {
  switch (t.kind) {
    case token_kind::open_curly: return parse_object(t);
    case token_kind::open_square: return parse_list(t);
    case token_kind::quoted: return make_node(text{t.text, true}, at(t));
    case token_kind::unquoted: return make_node(text{t.text, false}, at(t));
    case token_kind::number: return make_node(number{t.text}, at(t));
    case token_kind::boolean: return make_node(t.text == "true", at(t));
    case token_kind::null: return make_node(std::monostate{}, at(t));
    case token_kind::substitution: return parse_substitution(t);
    default: break;
  }
  fail_expecting(t, "a value");
  return nullptr;
}

node_ptr parser::parse_object(const token& open) {
  const level one{nesting_};
  if (nesting_ > max_nesting) {
    fail(open, fmt::format("more than {} levels of nesting", max_nesting), {});
    return nullptr;
  }
  object_builder fields{at(open), path_, duplicates_};
  return parse_fields(fields, true) ? std::move(fields).take() : nullptr;
}

node_ptr parser::parse_list(const token& open) {
  const level one{nesting_};
  const level in_list{lists_};
  if (nesting_ > max_nesting) {
    fail(open, fmt::format("more than {} levels of nesting", max_nesting), {});
    return nullptr;
  }
  list_body list;
  for (bool separated = true;; separated = skip_separator()) {
    auto item = separated ? parse_concatenation() : nullptr;
    if (fatal_) return nullptr;
    if (item) {
      list.items.push_back(std::move(item));
      continue;
    }
    const auto t = next_content();
    if (t.kind == token_kind::close_square) return make_node(std::move(list), at(open));
    fail_expecting(t, separated ? "a value or ']'" : "a comma, a new line or ']'");
    return nullptr;
  }
}

node_ptr parser::parse_substitution(const token& t) {
  auto target = parse_path(t.inner, at(t));
  if (target) return make_node(reference{std::move(*target), t.optional, 0}, at(t));
  report_later(std::move(target).error());
  return make_node(broken{}, at(t));
}

// -- tokens ---------------------------------------------------------------------------------------

token parser::next() {
  if (waiting_.empty()) return lexer_.next();
  auto t = std::move(waiting_.back());
  waiting_.pop_back();
  return t;
}

/// The next token that is not white space, a new line or a comment.
token parser::next_content() {
  for (;;) {
    auto t = next();
    const auto skipped = t.kind == token_kind::blank || t.kind == token_kind::newline ||
                         t.kind == token_kind::comment || is_unquoted_blank(t);
    if (!skipped) return t;
  }
}

void parser::put_back(token t) { waiting_.push_back(std::move(t)); }

/// Takes a comma, or new lines with at most one comma after them.
bool parser::skip_separator() {
  bool newline = false;
  for (;;) {
    auto t = next();
    if (t.kind == token_kind::comma) return true;
    if (t.kind == token_kind::newline) {
      newline = true;
    } else if (t.kind != token_kind::blank && t.kind != token_kind::comment) {
      put_back(std::move(t));
      return newline;
    }
  }
}

// -- problems -------------------------------------------------------------------------------------

origin parser::at(const token& t) const { return {base_.source, t.line, t.column}; }

parser::success parser::fail(const token& t, std::string message, std::string suggestion) {
  if (!fatal_)
    fatal_ = problem{problem_kind::parse, at(t), std::move(message), std::move(suggestion)};
  return false;
}

parser::success parser::fail_expecting(const token& t, std::string_view expected) {
  if (t.kind == token_kind::bad) return fail(t, t.text, t.advice);
  const auto separator_in_text = t.kind == token_kind::equals || t.kind == token_kind::colon ||
                                 t.kind == token_kind::plus_equals;
  return fail(t, fmt::format("expected {}, found {}", expected, describe(t)),
              separator_in_text ? "Put the text in double quotes if the character belongs to it."
                                : std::string{});
}

void parser::report_later(problem p) { later_.push_back(std::move(p)); }

}  // namespace cloudflow::config::detail
