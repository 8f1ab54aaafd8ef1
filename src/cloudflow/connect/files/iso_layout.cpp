#include "cloudflow/connect/files/internal/layouts.hpp"
#include "cloudflow/connect/files/level.hpp"

namespace cloudflow::connect::detail {

namespace {

/// How many words may stand between the time and the level: `12345 --- [main]`, `- name -`.
constexpr int words_before_level = 4;

bool is_separator(std::string_view word) noexcept {
  return word.find_first_not_of("-|:") == word.npos;
}
bool is_number(std::string_view word) noexcept {
  return word.find_first_not_of("0123456789") == word.npos;
}
/// `INFO`, `info`, `INFO:`.
std::string_view level_before_colon(std::string_view word) noexcept {
  if (word.ends_with(':')) word.remove_suffix(1);
  return level_of_word(word);
}

/// Whatever programs write behind a time as in ISO 8601.
///
/// The level is looked for at the beginning only, so that a message about an ERROR is none: it is a
/// level's name in upper or lower case, or in brackets in any case, before which stand at most four
/// words, and these are separators
/// (`-`, `|`), numbers, words in brackets, or a word followed by a separator (`name - LEVEL -
/// text`). A word in brackets that is no level is the thread; behind the level, `name:` or `name -`
/// is the logger.
class iso8601_layout final : public log_layout {
public:
  std::string_view name() const noexcept override { return "iso8601"; }

  parsed_line parse(std::string_view line, const time_context& context) override {
    const auto time = scan_iso8601(line, context);
    if (time.outcome == scan::none) return {};
    if (time.outcome == scan::impossible) return impossible_time(line.substr(0, time.size));
    parsed_line out{line_kind::record, {.time = time.time}, {}};
    auto rest = trim_left(line.substr(time.size));
    const auto text = rest;
    if (find_level(rest, out.fields)) {
      read_logger(rest, out.fields);
      out.fields.message = rest;
    } else {
      out.fields = {.time = time.time, .message = text};
    }
    return out;
  }

private:
  static bool find_level(std::string_view& rest, log_fields& fields) noexcept {
    for (int i = 0; i <= words_before_level && !rest.empty(); ++i) {
      std::string_view inside;
      if (take_brackets(rest, inside)) {
        fields.level = known_level(trim_right(inside));
        if (fields.level.empty()) fields.thread = inside;
      } else {
        const auto word = take_word(rest);
        fields.level = level_before_colon(word);
        if (fields.level.empty() && !is_separator(word) && !is_number(word)) {
          if (!next_is_separator(rest)) return false;
          fields.logger = word;
        }
      }
      rest = trim_left(rest);
      if (!fields.level.empty()) return true;
    }
    return false;
  }

  static void read_logger(std::string_view& rest, log_fields& fields) noexcept {
    bool named = !fields.logger.empty();
    for (;;) {
      std::string_view inside;
      if (fields.thread.empty() && take_brackets(rest, inside)) {
        fields.thread = inside;
      } else if (starts_with_separator(rest) ||
                 (!named && starts_with_number_and_separator(rest))) {
        take_word(rest);
      } else if (!named && take_logger(rest, fields.logger)) {
        named = true;
      } else if (!named && next_is_separator_after_word(rest)) {
        fields.logger = take_word(rest);
        named = true;
      } else {
        return;
      }
      rest = trim_left(rest);
    }
  }

  static std::string_view trim_right(std::string_view s) noexcept {
    while (s.ends_with(' ')) s.remove_suffix(1);
    return s;
  }
  static bool starts_with_separator(std::string_view s) noexcept {
    const auto word = take_word(s);
    return !word.empty() && is_separator(word);
  }
  static bool next_is_separator(std::string_view s) noexcept {
    return starts_with_separator(trim_left(s));
  }
  static bool next_is_separator_after_word(std::string_view s) noexcept {
    return !take_word(s).empty() && next_is_separator(s);
  }
  /// Spring Boot's process id: `INFO 12345 --- [main] a.b.C : text`.
  static bool starts_with_number_and_separator(std::string_view s) noexcept {
    const auto word = take_word(s);
    return !word.empty() && is_number(word) && next_is_separator(s);
  }
};

}  // namespace

std::unique_ptr<log_layout> make_iso8601_layout() { return std::make_unique<iso8601_layout>(); }

}  // namespace cloudflow::connect::detail
