#include "cloudflow/connect/http/json_bodies.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace cloudflow::connect {

namespace {

constexpr std::size_t deepest = 64;  // as the schema module's JSON parser has it

bool is_space(char c) noexcept { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

class splitter {
public:
  explicit splitter(std::string_view body) : body_(body) {
    constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
    if (body_.starts_with(byte_order_mark)) at_ = byte_order_mark.size();
  }

  result<std::vector<json_document>, json_body_error> run() {
    skip_space();
    if (at_end()) return fail("the body is empty; a JSON object is expected");
    const bool done = body_[at_] == '[' ? read_array() : read_sequence();
    if (!done) return std::move(failure_);
    return std::move(found_);
  }

private:
  bool read_sequence() {
    for (; !at_end(); skip_space())
      if (!read_object()) return false;
    return true;
  }

  bool read_array() {
    const auto begin = at_++;
    skip_space();
    if (take(']')) return read_end();
    for (;;) {
      if (!read_object()) return false;
      skip_space();
      if (take(']')) return read_end();
      if (at_end()) return expect("a ']' to the '[' of " + place(begin));
      if (!take(',')) return expect("',' or ']'");
      skip_space();
    }
  }

  bool read_end() {
    skip_space();
    return at_end() || expect("nothing behind the array");
  }

  bool read_object() {
    if (at_end() || body_[at_] != '{') return expect("a JSON object");
    const auto begin = at_;
    std::string open;  // what has to be closed
    do {
      if (at_end()) return expect("a '}' to the '{' of " + place(begin));
      const char c = body_[at_];
      if (c == '"') {
        if (!skip_string()) return false;
        continue;
      }
      if ((c == '}' || c == ']') && open.back() != c)
        return expect(fmt::format("a '{}'", open.back()));
      if (c == '}' || c == ']') open.pop_back();
      if (c == '{') open += '}';
      if (c == '[') open += ']';
      if (open.size() > deepest)
        return expect(fmt::format("no more than {} levels of nesting", deepest));
      ++at_;
    } while (!open.empty());
    found_.push_back({body_.substr(begin, at_ - begin), found_.size(), begin});
    return true;
  }

  bool skip_string() {
    const auto begin = at_++;
    for (; !at_end() && body_[at_] != '"'; ++at_) {
      if (body_[at_] == '\\') ++at_;
      if (at_end() || body_[at_] == '\n') break;
    }
    if (at_end() || body_[at_] != '"') return expect("a '\"' to the one of " + place(begin));
    ++at_;
    return true;
  }

  void skip_space() noexcept {
    while (!at_end() && is_space(body_[at_])) ++at_;
  }
  bool take(char c) noexcept {
    if (at_end() || body_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool at_end() const noexcept { return at_ >= body_.size(); }

  std::string found_text() const {
    if (at_end()) return "the end";
    const auto c = static_cast<unsigned char>(body_[at_]);
    return c > 0x20 && c < 0x7F ? fmt::format("'{}'", body_[at_]) : fmt::format("byte 0x{:02X}", c);
  }
  std::string place(std::size_t offset) const {
    const auto p = position_of(body_, offset);
    return fmt::format("line {}, column {}", p.line, p.column);
  }
  bool expect(std::string_view what) {
    failure_ = fail(fmt::format("{} is expected, found is {}", what, found_text()));
    return false;
  }
  json_body_error fail(std::string_view why) const {
    const auto p = position_of(body_, std::min(at_, body_.size()));
    return {fmt::format("line {}, column {}: {}", p.line, p.column, why), found_.size(), p.line,
            p.column};
  }

  std::string_view body_;
  std::size_t at_ = 0;
  std::vector<json_document> found_;
  json_body_error failure_;
};

}  // namespace

text_position position_of(std::string_view text, std::size_t offset) noexcept {
  const auto before = text.substr(0, offset);
  const auto line_begin = before.rfind('\n') + 1;  // npos + 1 is 0
  return {1 + static_cast<std::size_t>(std::ranges::count(before, '\n')),
          before.size() - line_begin + 1};
}

result<std::vector<json_document>, json_body_error> split_json_body(std::string_view body) {
  return splitter{body}.run();
}

}  // namespace cloudflow::connect
