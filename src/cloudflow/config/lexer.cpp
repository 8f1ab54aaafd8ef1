#include "cloudflow/config/lexer.hpp"

#include "cloudflow/config/unicode.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <utility>

namespace cloudflow::config::detail {

namespace {

constexpr std::string_view not_in_unquoted_text = "$\"{}[]:=,+#`^?!@*&\\";
constexpr std::string_view number_chars = "0123456789eE+-.";
// No path needs a substitution inside a substitution; the bound keeps hostile text off the stack.
constexpr int max_nested_substitutions = 20;

bool is_digit(char32_t c) { return c >= '0' && c <= '9'; }

bool contains(std::string_view set, char32_t c) {
  return c < 0x80 && set.find(static_cast<char>(c)) != std::string_view::npos;
}

std::size_t skip_digits(std::string_view text, std::size_t at) {
  while (at < text.size() && is_digit(static_cast<unsigned char>(text[at]))) ++at;
  return at;
}

bool is_floating(std::string_view text) {
  std::size_t at = text.starts_with('-') ? 1 : 0;
  const auto whole = at;
  at = skip_digits(text, at);
  auto digits = at - whole;
  if (at < text.size() && text[at] == '.') {
    const auto fraction = ++at;
    at = skip_digits(text, at);
    digits += at - fraction;
  }
  if (digits == 0) return false;
  if (at == text.size()) return true;
  if (text[at] != 'e' && text[at] != 'E') return false;
  ++at;
  if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
  return at < text.size() && skip_digits(text, at) == text.size();
}

// An integer beyond 64 bits is text: the reference implementation has it so.
bool is_number(std::string_view text) {
  if (text.find_first_of(".eE") != std::string_view::npos) return is_floating(text);
  std::int64_t ignored = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), ignored);
  return failure == std::errc{} && end == text.data() + text.size();
}

std::string printable(char32_t c) {
  if (c == '\n') return "a newline";
  if (c == '\t') return "a tab";
  if (c < 0x20) return fmt::format("control character {:#04x}", static_cast<unsigned>(c));
  std::string out = "'";
  append(out, c);
  return out + "'";
}

}  // namespace

bool is_value(const token& t) {
  return t.kind == token_kind::quoted || t.kind == token_kind::number ||
         t.kind == token_kind::boolean || t.kind == token_kind::null;
}

bool is_simple(const token& t) {
  return is_value(t) || t.kind == token_kind::unquoted || t.kind == token_kind::substitution;
}

bool is_unquoted_blank(const token& t) {
  return t.kind == token_kind::unquoted && trimmed(t.text).empty();
}

std::string describe(const token& t) {
  switch (t.kind) {
    case token_kind::end: return "end of file";
    case token_kind::newline: return "end of line";
    case token_kind::comment: return "a comment";
    case token_kind::blank: return "white space";
    case token_kind::comma: return "','";
    case token_kind::equals: return "'='";
    case token_kind::colon: return "':'";
    case token_kind::plus_equals: return "'+='";
    case token_kind::open_curly: return "'{'";
    case token_kind::close_curly: return "'}'";
    case token_kind::open_square: return "'['";
    case token_kind::close_square: return "']'";
    case token_kind::quoted: return fmt::format("\"{}\"", t.text);
    case token_kind::substitution: return "a substitution '${...}'";
    case token_kind::unquoted:
    case token_kind::number:
    case token_kind::boolean:
    case token_kind::null: return fmt::format("'{}'", t.text);
    case token_kind::bad: return t.text;
  }
  return {};
}

// -- tokens ---------------------------------------------------------------------------------------

token lexer::next() {
  if (ready_.empty()) ready_ = with_blank(space_, pull(space_, 0));
  auto t = std::move(ready_.front());
  ready_.erase(ready_.begin());
  return t;
}

/// The token, after the white space before it if there was any.
std::vector<token> lexer::with_blank(spacing& space, token t) {
  const auto simple = is_simple(t);
  std::vector<token> out;
  if (!space.seen.empty()) {
    const auto is_text = simple && space.after_simple;
    out.push_back({is_text ? token_kind::unquoted : token_kind::blank,
                   space.line,
                   space.column,
                   std::exchange(space.seen, {}),
                   {}});
  }
  space.after_simple = simple;
  out.push_back(std::move(t));
  return out;
}

void lexer::skip_blanks(spacing& space) {
  space.line = line_;
  space.column = column_;
  for (auto c = peek(); c != none && c != malformed && c != '\n' && is_space(c); c = peek()) {
    append(space.seen, take());
  }
}

token lexer::pull(spacing& space, int nesting) {
  skip_blanks(space);
  if (at_comment()) return pull_comment();
  const auto c = peek();
  switch (c) {
    case none: return start();
    case malformed: return bad(start(), "the text is not UTF-8 here", "Save the file as UTF-8.");
    case '\n': return one_char(token_kind::newline);
    case '"': return pull_quoted();
    case '$': return pull_substitution(nesting);
    case ':': return one_char(token_kind::colon);
    case ',': return one_char(token_kind::comma);
    case '=': return one_char(token_kind::equals);
    case '{': return one_char(token_kind::open_curly);
    case '}': return one_char(token_kind::close_curly);
    case '[': return one_char(token_kind::open_square);
    case ']': return one_char(token_kind::close_square);
    default: break;
  }
  if (c == '+' && peek_byte(1) == '=') {
    auto t = one_char(token_kind::plus_equals);
    take();
    return t;
  }
  if (is_digit(c) || c == '-') return pull_number();
  if (contains(not_in_unquoted_text, c)) {
    auto t = start();
    return reserved(std::move(t), take());
  }
  return pull_unquoted();
}

token lexer::start() const { return {token_kind::end, line_, column_, {}, {}}; }

token lexer::one_char(token_kind kind) {
  auto t = start();
  t.kind = kind;
  take();
  return t;
}

token lexer::pull_comment() {
  auto t = start();
  t.kind = token_kind::comment;
  for (auto c = peek(); c != none && c != '\n'; c = peek()) take();
  return t;
}

token lexer::pull_number() {
  auto t = start();
  for (auto c = peek(); c != none && contains(number_chars, c); c = peek()) append(t.text, take());
  if (is_number(t.text)) {
    t.kind = token_kind::number;
    return t;
  }
  if (t.text.find('+') != std::string::npos) return reserved(std::move(t), '+');
  t.kind = token_kind::unquoted;
  return t;
}

// `true`, `false` and `null` are such whatever follows; `truex` becomes text again as `true` beside
// `x`.
token lexer::pull_unquoted() {
  auto t = start();
  t.kind = token_kind::unquoted;
  for (auto c = peek(); c != none && c != malformed; c = peek()) {
    if (contains(not_in_unquoted_text, c) || is_space(c) || at_comment()) break;
    append(t.text, take());
    if (t.text == "true" || t.text == "false") t.kind = token_kind::boolean;
    if (t.text == "null") t.kind = token_kind::null;
    if (t.kind != token_kind::unquoted) break;
  }
  return t;
}

token lexer::pull_quoted() {
  auto t = start();
  t.kind = token_kind::quoted;
  take();
  for (;;) {
    const auto c = peek();
    if (c == none) {
      return bad(std::move(t), "the string that starts here has no closing quote", "Add a '\"'.");
    }
    if (c == malformed) {
      take();
      return bad(std::move(t), "this string is not UTF-8", "Save the file as UTF-8.");
    }
    take();
    if (c == '"') break;
    if (c == '\\') {
      if (!pull_escape(t)) return t;
    } else if (c < 0x20) {
      return bad(std::move(t), fmt::format("a quoted string cannot hold {} as it is", printable(c)),
                 "Write an escape such as \\n, or use \"\"\"three quotes\"\"\".");
    } else {
      append(t.text, c);
    }
  }
  if (t.text.empty() && peek() == '"') return pull_triple_quoted(std::move(t));
  return t;
}

// The last three of the closing quotes end the string; those before them belong to it.
token lexer::pull_triple_quoted(token t) {
  take();
  int quotes = 0;
  for (;;) {
    const auto c = peek();
    if (c != '"' && quotes >= 3) {
      t.text.resize(t.text.size() - 3);
      return t;
    }
    if (c == none) {
      return bad(std::move(t), "the string that starts here has no closing \"\"\"",
                 "Add three quotes.");
    }
    take();
    if (c == malformed) {
      return bad(std::move(t), "this string is not UTF-8", "Save the file as UTF-8.");
    }
    quotes = c == '"' ? quotes + 1 : 0;
    append(t.text, c);
  }
}

/// False if `t` became a bad token.
bool lexer::pull_escape(token& t) {
  constexpr std::string_view letters = "\"\\/bfnrt";
  constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
  auto at = start();
  const auto c = peek();
  if (c != none) take();
  if (c == 'u') return pull_unicode_escape(t);
  const auto i = c < 0x80 ? letters.find(static_cast<char>(c)) : std::string_view::npos;
  if (i != std::string_view::npos) {
    t.text.push_back(meanings[i]);
    return true;
  }
  t = bad(std::move(at), "a backslash has to be followed by one of \" \\ / b f n r t u",
          "Write \\\\ for a backslash itself.");
  return false;
}

bool lexer::pull_unicode_escape(token& t) {
  auto at = start();
  auto c = hex4();
  if (c >= 0xd800 && c < 0xdc00 && peek_byte(0) == '\\' && peek_byte(1) == 'u') {
    take();
    take();
    const auto low = hex4();
    if (low >= 0xdc00 && low < 0xe000) {
      c = 0x10000 + ((c - 0xd800) << 10U) + (low - 0xdc00);
    } else {
      if (c != none) append(t.text, c);
      c = low;
    }
  }
  if (c == none) {
    t = bad(std::move(at), "\\u has to be followed by four hexadecimal digits", {});
    return false;
  }
  append(t.text, c);
  return true;
}

/// `none` if there are no four hexadecimal digits.
char32_t lexer::hex4() {
  const auto digits = text_.substr(at_, 4);
  std::uint32_t c = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), c, 16);
  if (failure != std::errc{} || digits.size() != 4 || end != digits.data() + 4) return none;
  for (int i = 0; i != 4; ++i) take();
  return c;
}

token lexer::pull_substitution(int nesting) {
  auto t = start();
  t.kind = token_kind::substitution;
  take();
  if (peek() != '{') {
    return bad(std::move(t), "'$' has to be followed by '{'", "Put text with a '$' in quotes.");
  }
  take();
  if (nesting == max_nested_substitutions) {
    return bad(std::move(t), "substitutions cannot be nested", {});
  }
  if (peek() == '?') {
    take();
    t.optional = true;
  }
  spacing space;
  for (;;) {
    auto piece = pull(space, nesting + 1);
    if (piece.kind == token_kind::close_curly) return t;
    if (piece.kind == token_kind::bad) return piece;
    if (piece.kind == token_kind::end) {
      return bad(std::move(t), "the substitution '${' has no closing '}'", "Add a '}'.");
    }
    for (auto& one : with_blank(space, std::move(piece))) t.inner.push_back(std::move(one));
  }
}

token lexer::bad(token at, std::string message, std::string advice) const {
  at.kind = token_kind::bad;
  at.text = std::move(message);
  at.advice = std::move(advice);
  return at;
}

token lexer::reserved(token at, char32_t c) const {
  return bad(std::move(at), fmt::format("{} cannot stand outside quotes", printable(c)),
             "Put the text in double quotes.");
}

// -- characters -----------------------------------------------------------------------------------

char32_t lexer::peek() const {
  if (at_ == text_.size()) return none;
  const auto c = decode(text_.substr(at_));
  return c.bytes == 0 ? malformed : c.value;
}

char lexer::peek_byte(std::size_t ahead) const {
  return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
}

bool lexer::at_comment() const {
  return peek_byte(0) == '#' || (peek_byte(0) == '/' && peek_byte(1) == '/');
}

char32_t lexer::take() {
  const auto c = decode(text_.substr(at_));
  at_ += c.bytes == 0 ? 1 : c.bytes;
  ++column_;
  if (c.value == '\n' && c.bytes != 0) {
    ++line_;
    column_ = 1;
  }
  return c.bytes == 0 ? malformed : c.value;
}

}  // namespace cloudflow::config::detail
