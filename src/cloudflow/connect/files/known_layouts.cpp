#include "cloudflow/connect/files/internal/layouts.hpp"
#include "cloudflow/connect/files/level.hpp"

#include <fmt/format.h>

#include <charconv>
#include <optional>

namespace cloudflow::connect::detail {

namespace {

bool is_letter(char c) noexcept { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }

/// A word of letters, where brackets or a logger show that the layout's level stands here: it may
/// be one that we have not heard of. Elsewhere only a level that is known is one, or `Starting up`
/// would be a record of level STARTING.
bool is_level_word(std::string_view word) noexcept {
  if (word.size() < 3 || word.size() > 16) return false;
  for (const char c : word)
    if (!is_letter(c)) return false;
  return true;
}

/// log4j and zookeeper: a date and a time with a space between them, and no zone.
scanned_time scan_plain(std::string_view line, const time_context& context) noexcept {
  if (line.size() < 19 || line[10] != ' ') return {};
  return scan_iso8601(line, context);
}

class zookeeper_layout final : public log_layout {
public:
  std::string_view name() const noexcept override { return "zookeeper"; }

  parsed_line parse(std::string_view line, const time_context& context) override {
    const auto time = scan_plain(line, context);
    if (time.outcome == scan::none) return {};
    if (time.outcome == scan::impossible) return impossible_time(line.substr(0, time.size));
    auto rest = trim_left(line.substr(time.size));
    if (!rest.starts_with("- ")) return invalid_line("there is no ' - ' after the time");
    rest = trim_left(rest.substr(2));
    const auto level = take_word(rest);
    if (!is_level_word(level)) return invalid_line("there is no level after the time");
    rest = trim_left(rest);
    const auto close = rest.find("] -");
    if (!rest.starts_with('[') || close == rest.npos)
      return invalid_line("there is no '[thread:class@line] -' after the level");
    const auto where = rest.substr(1, close - 1);
    const auto colon = where.rfind(':');
    const auto logger = colon == where.npos ? where : where.substr(colon + 1);
    const auto thread = colon == where.npos ? std::string_view{} : where.substr(0, colon);
    return {line_kind::record,
            {time.time, normalised_level(level, scratch_), thread, logger,
             trim_left(rest.substr(close + 3))},
            {}};
  }

private:
  std::string scratch_;
};

class log4j_layout final : public log_layout {
public:
  std::string_view name() const noexcept override { return "log4j"; }

  parsed_line parse(std::string_view line, const time_context& context) override {
    const auto time = scan_plain(line, context);
    if (time.outcome == scan::none) return {};
    if (time.outcome == scan::impossible) return impossible_time(line.substr(0, time.size));
    auto rest = trim_left(line.substr(time.size));
    const auto level = take_word(rest);
    rest = trim_left(rest);
    parsed_line out{line_kind::record, {.time = time.time}, {}};
    const bool has_thread = take_brackets(rest, out.fields.thread);
    if (has_thread ? !is_level_word(level) : level_of_word(level).empty())
      return invalid_line("there is no level after the time");
    out.fields.level = normalised_level(level, scratch_);
    rest = trim_left(rest);
    if (take_logger(rest, out.fields.logger)) rest = trim_left(rest);
    out.fields.message = rest;
    return out;
  }

private:
  std::string scratch_;
};

class logback_layout final : public log_layout {
public:
  std::string_view name() const noexcept override { return "logback"; }

  parsed_line parse(std::string_view line, const time_context& context) override {
    const auto time = scan_time_of_day(line, context);
    if (time.outcome == scan::none) return {};
    if (time.outcome == scan::impossible) return impossible_time(line.substr(0, time.size));
    auto rest = trim_left(line.substr(time.size));
    parsed_line out{line_kind::record, {.time = time.time}, {}};
    if (!take_brackets(rest, out.fields.thread))
      return invalid_line("there is no '[thread]' after the time");
    rest = trim_left(rest);
    const auto level = take_word(rest);
    rest = trim_left(rest);
    const bool has_logger = take_logger_before_dash(rest, out.fields.logger);
    if (has_logger ? !is_level_word(level) : level_of_word(level).empty())
      return invalid_line("there is no level after the thread");
    out.fields.level = normalised_level(level, scratch_);
    out.fields.message = trim_left(rest);
    return out;
  }

private:
  /// Takes `a.b.C$ -` off the front of `s`.
  static bool take_logger_before_dash(std::string_view& s, std::string_view& logger) noexcept {
    auto rest = s;
    const auto word = take_word(rest);
    rest = trim_left(rest);
    if (take_word(rest) != "-") return false;
    logger = word;
    s = rest;
    return true;
  }

  std::string scratch_;
};

/// `Oct 11 22:14:15`, the day padded with a space or a zero. A leap year is assumed to see whether
/// it is a day.
std::size_t syslog_time_size(std::string_view text) noexcept {
  constexpr std::string_view shape = "Aaa _0 00:00:00";
  if (text.size() < shape.size()) return 0;
  for (std::size_t i = 0; i != shape.size(); ++i) {
    const char c = text[i];
    const bool digit = c >= '0' && c <= '9';
    const bool fits = shape[i] == '0'   ? digit
                      : shape[i] == 'A' ? c >= 'A' && c <= 'Z'
                      : shape[i] == 'a' ? c >= 'a' && c <= 'z'
                      : shape[i] == '_' ? digit || c == ' '
                                        : c == shape[i];
    if (!fits) return 0;
  }
  return shape.size();
}

/// syslog as programs write it (RFC 3164: no year; with or without `<priority>`) and as RFC 5424
/// has it.
class syslog_layout final : public log_layout {
public:
  syslog_layout() : format_(time_format::parse("%b %e %T").value()) {}

  std::string_view name() const noexcept override { return "syslog"; }

  parsed_line parse(std::string_view line, const time_context& context) override {
    auto rest = line;
    const auto priority = take_priority(rest);
    const auto level = priority ? level_of_severity(*priority % 8) : std::string_view{};
    if (priority && rest.starts_with("1 ")) return parse_5424(rest.substr(2), level, context);
    const auto size = syslog_time_size(rest);
    if (size == 0)
      return priority ? invalid_line("there is no time after the priority") : parsed_line{};
    const auto time = format_.read(rest.substr(0, size), context);
    if (!time) return impossible_time(rest.substr(0, size));
    parsed_line out{line_kind::record, {.time = *time, .level = level}, {}};
    rest = trim_left(rest.substr(size));
    take_word(rest);  // the host
    rest = trim_left(rest);
    if (take_logger(rest, out.fields.logger)) {
      split_process_id(out.fields);
      rest = trim_left(rest);
    }
    out.fields.message = rest;
    return out;
  }

private:
  /// `<0>` to `<191>` (RFC 5424, 6.2.1).
  static std::optional<int> take_priority(std::string_view& s) noexcept {
    const auto close = s.substr(0, 5).find('>');
    if (!s.starts_with('<') || close == s.npos) return std::nullopt;
    int priority = 0;
    const auto [end, ec] = std::from_chars(s.data() + 1, s.data() + close, priority);
    if (ec != std::errc{} || end != s.data() + close || priority < 0 || priority > 191)
      return std::nullopt;
    s.remove_prefix(close + 1);
    return priority;
  }

  /// `sshd[71]` is logger sshd, thread 71.
  static void split_process_id(log_fields& fields) noexcept {
    const auto open = fields.logger.rfind('[');
    if (open == fields.logger.npos || !fields.logger.ends_with(']')) return;
    fields.thread = fields.logger.substr(open + 1, fields.logger.size() - open - 2);
    fields.logger = fields.logger.substr(0, open);
  }

  static parsed_line parse_5424(std::string_view rest, std::string_view level,
                                const time_context& context) {
    const auto time = scan_iso8601(rest, context);
    if (time.outcome == scan::none)
      return invalid_line("there is no time after the priority and version");
    if (time.outcome == scan::impossible) return impossible_time(rest.substr(0, time.size));
    rest.remove_prefix(time.size);
    std::string_view words[4];  // host, application, process, message id
    for (auto& word : words) {
      rest = trim_left(rest);
      word = take_word(rest);
      if (word == "-") word = {};
    }
    rest = trim_left(rest);
    if (!skip_structured_data(rest)) return invalid_line("its structured data has no end");
    rest = trim_left(rest);
    if (rest.starts_with("\xEF\xBB\xBF")) rest.remove_prefix(3);
    return {line_kind::record, {time.time, level, words[2], words[1], rest}, {}};
  }

  /// `-`, or `[id name="value"]...`, where a value may hold an escaped quote, bracket or backslash.
  static bool skip_structured_data(std::string_view& s) noexcept {
    if (s.starts_with('-')) {
      s.remove_prefix(1);
      return true;
    }
    while (s.starts_with('[')) {
      bool quoted = false;
      std::size_t i = 1;
      for (; i < s.size() && (quoted || s[i] != ']'); ++i) {
        if (s[i] == '\\' && quoted) {
          ++i;
        } else if (s[i] == '"') {
          quoted = !quoted;
        }
      }
      if (i >= s.size()) return false;
      s.remove_prefix(i + 1);
    }
    return true;
  }

  time_format format_;
};

class unknown_layout final : public log_layout {
public:
  std::string_view name() const noexcept override { return "unknown"; }
  parsed_line parse(std::string_view, const time_context&) override {
    return invalid_line(fmt::format(
        "the first {} lines of the object are of no known layout ({}): set line-pattern",
        log_layouts::head_lines, fmt::join(known_layouts(), ", ")));
  }
};

}  // namespace

parsed_line invalid_line(std::string reason) { return {line_kind::invalid, {}, std::move(reason)}; }

parsed_line impossible_time(std::string_view text) {
  return invalid_line(fmt::format("there is no such time: '{}'", text));
}

std::unique_ptr<log_layout> make_zookeeper_layout() { return std::make_unique<zookeeper_layout>(); }
std::unique_ptr<log_layout> make_log4j_layout() { return std::make_unique<log4j_layout>(); }
std::unique_ptr<log_layout> make_logback_layout() { return std::make_unique<logback_layout>(); }
std::unique_ptr<log_layout> make_syslog_layout() { return std::make_unique<syslog_layout>(); }
std::unique_ptr<log_layout> make_unknown_layout() { return std::make_unique<unknown_layout>(); }

}  // namespace cloudflow::connect::detail
