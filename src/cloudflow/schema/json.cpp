#include "cloudflow/schema/json.hpp"

#include "cloudflow/base/ascii.hpp"
#include "cloudflow/schema/utf8.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

namespace cloudflow::schema {

namespace {

/// How many characters in front are ASCII that stands for itself in a string of JSON.
std::size_t plain_length(std::string_view text) {
  std::size_t length = 0;
  while (length != text.size()) {
    const auto c = static_cast<unsigned char>(text[length]);
    if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\') break;
    ++length;
  }
  return length;
}

/// Recursive descent; the first error ends it.
class json_parser {
public:
  json_parser(std::string_view text, json_options options) : text_(text), options_(options) {}

  result<json_value> parse() {
    json_value root;
    skip_space();
    if (parse_value(root, 0)) {
      skip_space();
      if (at_ != text_.size()) fail("expected the end of the text");
    }
    if (problem_.empty()) return root;
    return error{fmt::format("{}: {}", position_in(text_, problem_at_), problem_)};
  }

private:
  bool fail(std::string what) {
    if (problem_.empty()) {
      problem_at_ = at_;
      problem_ = std::move(what);
      problem_ +=
          at_ < text_.size() ? fmt::format(", found {}", found()) : ", found the end of the text";
    }
    return false;
  }
  std::string found() const {
    const auto length = utf8_length(text_.substr(at_));
    const auto c = static_cast<unsigned char>(text_[at_]);
    if (length == 0 || c < 0x20) return fmt::format("byte 0x{:02x}", c);
    return fmt::format("'{}'", text_.substr(at_, length));
  }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }

  void skip_space() {
    while (at_ < text_.size()) {
      if (std::string_view{" \t\r\n"}.find(text_[at_]) != std::string_view::npos)
        ++at_;
      else if (!options_.comments || !skip_comment())
        return;
    }
  }
  bool skip_comment() {
    const auto rest = text_.substr(at_);
    const bool line = rest.starts_with("//");
    if (!line && !rest.starts_with("/*")) return false;
    const auto end = line ? rest.find('\n') : rest.find("*/", 2);
    at_ = end == std::string_view::npos ? text_.size() : at_ + end + (line ? 1 : 2);
    return true;
  }

  bool parse_value(json_value& out, std::size_t depth) {
    if (depth > options_.depth)
      return fail(fmt::format("expected at most {} levels of nesting", options_.depth));
    out.begin = at_;
    const bool good = parse_by_first_character(out, depth);
    out.end = at_;
    return good;
  }
  bool parse_by_first_character(json_value& out, std::size_t depth) {
    switch (peek()) {
      case '{': return parse_object(out, depth);
      case '[': return parse_array(out, depth);
      case '"': out.kind = json_kind::string; return parse_string(out.text);
      case 't': out.flag = true; return parse_word(out, json_kind::boolean, "true");
      case 'f': return parse_word(out, json_kind::boolean, "false");
      case 'n': return parse_word(out, json_kind::null, "null");
      default: return parse_number(out);
    }
  }

  bool parse_object(json_value& out, std::size_t depth) {
    out.kind = json_kind::object;
    ++at_;
    skip_space();
    if (take('}')) return true;
    do {
      skip_space();
      if (!parse_member(out, depth)) return false;
      skip_space();
    } while (take(','));
    return (take('}') || fail("expected ',' or '}'")) && check_names_differ(out);
  }
  bool check_names_differ(const json_value& object) {
    constexpr std::size_t few = 12;  // so many are compared faster than sorted
    const auto& names = object.names;
    for (std::size_t i = 1; names.size() <= few && i < names.size(); ++i)
      if (std::find(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(i), names[i]) !=
          names.begin() + static_cast<std::ptrdiff_t>(i))
        return fail_at_second(object, i);
    if (names.size() <= few) return true;
    std::vector<std::pair<std::string_view, std::size_t>> sorted;
    for (std::size_t i = 0; i != names.size(); ++i) sorted.emplace_back(names[i], i);
    std::sort(sorted.begin(), sorted.end());
    const auto twice = std::adjacent_find(sorted.begin(), sorted.end(),
                                          [](auto& a, auto& b) { return a.first == b.first; });
    return twice == sorted.end() || fail_at_second(object, std::next(twice)->second);
  }
  bool fail_at_second(const json_value& object, std::size_t index) {
    at_ = object.items[index].begin;
    return fail(fmt::format("expected \"{}\" only once in this object", object.names[index]));
  }
  bool parse_member(json_value& object, std::size_t depth) {
    std::string name;
    if (peek() != '"') return fail("expected a name in quotes");
    if (!parse_string(name)) return false;
    skip_space();
    if (!take(':')) return fail(fmt::format("expected ':' after \"{}\"", name));
    skip_space();
    object.names.push_back(std::move(name));
    return parse_value(object.items.emplace_back(), depth + 1);
  }
  bool parse_array(json_value& out, std::size_t depth) {
    out.kind = json_kind::array;
    ++at_;
    skip_space();
    if (take(']')) return true;
    do {
      skip_space();
      if (!parse_value(out.items.emplace_back(), depth + 1)) return false;
      skip_space();
    } while (take(','));
    return take(']') || fail("expected ',' or ']'");
  }

  bool parse_word(json_value& out, json_kind kind, std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return fail("expected a value");
    out.kind = kind;
    at_ += word.size();
    return true;
  }
  bool parse_number(json_value& out) {
    const auto start = at_;
    take('-');
    if (!is_digit(peek())) {
      at_ = start;
      return fail("expected a value");
    }
    if (!take('0')) take_digits();
    if (take('.') && !take_digits()) return fail("expected a digit after '.'");
    if (peek() == 'e' || peek() == 'E') {
      ++at_;
      if (!take('+')) take('-');
      if (!take_digits()) return fail("expected a digit in the exponent");
    }
    out.kind = json_kind::number;
    out.text = text_.substr(start, at_ - start);
    return true;
  }
  bool take_digits() {
    const auto start = at_;
    while (is_digit(peek())) ++at_;
    return at_ != start;
  }

  bool parse_string(std::string& out) {
    ++at_;
    while (at_ < text_.size()) {
      const auto plain = plain_length(text_.substr(at_));
      out += text_.substr(at_, plain);
      at_ += plain;
      if (at_ == text_.size()) break;
      const auto c = static_cast<unsigned char>(text_[at_]);
      if (c == '"') {
        ++at_;
        return true;
      }
      if (c == '\\') {
        if (!parse_escape(out)) return false;
        continue;
      }
      const auto length = c < 0x20 ? 0 : utf8_length(text_.substr(at_));
      if (length == 0)
        return fail(c < 0x20 ? "expected a control character in a string to be escaped"
                             : "expected UTF-8");
      out += text_.substr(at_, length);
      at_ += length;
    }
    return fail("expected '\"'");
  }
  bool parse_escape(std::string& out) {
    static constexpr std::string_view letters = "\"\\/bfnrt", meanings = "\"\\/\b\f\n\r\t";
    ++at_;
    if (take('u')) return parse_unicode_escape(out);
    const auto which = at_ < text_.size() ? letters.find(text_[at_]) : std::string_view::npos;
    if (which == std::string_view::npos) return fail("expected one of \"\\/bfnrtu after '\\'");
    out += meanings[which];
    ++at_;
    return true;
  }
  /// Behind `\u`. A surrogate without its other half becomes U+FFFD.
  bool parse_unicode_escape(std::string& out) {
    const auto first = parse_hex();
    if (!first) return fail("expected four hexadecimal digits");
    auto code_point = *first;
    if (*first >= 0xD800 && *first < 0xDC00 && text_.substr(at_).starts_with("\\u")) {
      const auto before = at_;
      at_ += 2;
      const auto second = parse_hex();
      if (second && *second >= 0xDC00 && *second < 0xE000)
        code_point = 0x10000 + ((*first - 0xD800) << 10) + (*second - 0xDC00);
      else
        at_ = before;
    }
    append_utf8(out, code_point >= 0xD800 && code_point < 0xE000 ? 0xFFFD : code_point);
    return true;
  }
  std::optional<std::uint32_t> parse_hex() {
    if (text_.size() - at_ < 4) return std::nullopt;
    std::uint32_t value = 0;
    for (const char c : text_.substr(at_, 4)) {
      const auto digit = std::string_view{"0123456789abcdef"}.find(static_cast<char>(c | 0x20));
      if (digit == std::string_view::npos || (c < '0')) return std::nullopt;
      value = value << 4 | static_cast<std::uint32_t>(digit);
    }
    at_ += 4;
    return value;
  }

  std::string_view text_;
  json_options options_;
  std::size_t at_ = 0;
  std::string problem_;
  std::size_t problem_at_ = 0;
};

}  // namespace

const json_value* json_value::find(std::string_view name) const noexcept {
  const auto found = std::find(names.begin(), names.end(), name);
  return found == names.end() ? nullptr : &items[static_cast<std::size_t>(found - names.begin())];
}

std::string_view to_text(json_kind kind) noexcept {
  switch (kind) {
    case json_kind::null: return "null";
    case json_kind::boolean: return "a boolean";
    case json_kind::number: return "a number";
    case json_kind::string: return "a string";
    case json_kind::array: return "an array";
    case json_kind::object: return "an object";
  }
  return "";
}

result<json_value> parse_json(std::string_view text, json_options options) {
  return json_parser{text, options}.parse();
}

std::string position_in(std::string_view text, std::size_t at) {
  const auto before = text.substr(0, at);
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const auto line_start = before.rfind('\n');
  const auto column = line_start == std::string_view::npos ? at + 1 : at - line_start;
  return fmt::format("{}:{}", line, column);
}

void append_json_string(std::string& out, std::string_view text) {
  static constexpr std::string_view letters = "\"\\bfnrt", meanings = "\"\\\b\f\n\r\t";
  out += '"';
  while (true) {
    const auto plain = plain_length(text);
    out += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty()) break;
    const auto length = utf8_length(text);
    const auto escape = meanings.find(text.front());
    if (length == 0)
      append_utf8(out, 0xFFFD);
    else if (escape != std::string_view::npos)
      (out += '\\') += letters[escape];
    else if (static_cast<unsigned char>(text.front()) < 0x20)
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(text.front()));
    else
      out += text.substr(0, length);
    text.remove_prefix(length != 0 ? length : utf8_broken_length(text));
  }
  out += '"';
}

void append_json(std::string& out, const json_value& value) {
  switch (value.kind) {
    case json_kind::null: out += "null"; return;
    case json_kind::boolean: out += value.flag ? "true" : "false"; return;
    case json_kind::number: out += value.text; return;
    case json_kind::string: append_json_string(out, value.text); return;
    case json_kind::array:
    case json_kind::object: break;
  }
  const bool object = value.kind == json_kind::object;
  out += object ? '{' : '[';
  for (std::size_t i = 0; i != value.items.size(); ++i) {
    if (i != 0) out += ',';
    if (object) {
      append_json_string(out, value.names[i]);
      out += ':';
    }
    append_json(out, value.items[i]);
  }
  out += object ? '}' : ']';
}

}  // namespace cloudflow::schema
