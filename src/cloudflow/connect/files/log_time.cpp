#include "cloudflow/connect/files/log_time.hpp"

#include "cloudflow/base/ascii.hpp"

#include <algorithm>
#include <cmath>

namespace cloudflow::connect {

namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

/// How far behind its object's last modification a record may lie before its date is taken to be an
/// earlier one: room for clocks that differ and for a `time-zone` that is not set.
constexpr hours tolerance_of_day{23};
constexpr hours tolerance_of_year{24};

/// @pre n digits stand at `at`.
int digits(const char* at, int n) noexcept {
  int value = 0;
  for (int i = 0; i != n; ++i) value = value * 10 + (at[i] - '0');
  return value;
}

/// `0` in `shape` stands for a digit, everything else for itself.
bool has_shape(std::string_view text, std::string_view shape) noexcept {
  if (text.size() < shape.size()) return false;
  for (std::size_t i = 0; i != shape.size(); ++i) {
    if (shape[i] == '0' ? !is_digit(text[i]) : text[i] != shape[i]) return false;
  }
  return true;
}

/// A fraction of up to 9 digits at the beginning of `text` as milliseconds; 0 digits are none.
struct fraction {
  int milliseconds = 0;
  std::size_t size = 0;
};
fraction read_fraction(std::string_view text) noexcept {
  fraction f;
  int unit = 100;
  while (f.size < 9 && f.size < text.size() && is_digit(text[f.size])) {
    f.milliseconds += unit * (text[f.size] - '0');
    unit /= 10;
    ++f.size;
  }
  return f;
}

struct zone_text {
  minutes offset{0};
  std::size_t size = 0;  // 0: no zone
};
zone_text read_zone(std::string_view text) noexcept {
  if (text.starts_with('Z') || text.starts_with('z')) return {minutes{0}, 1};
  if (text.empty() || (text[0] != '+' && text[0] != '-')) return {};
  const bool east = text[0] == '+';
  const auto digits_of = text.substr(1);
  int hour = 0, minute = 0;
  std::size_t size = 0;
  if (has_shape(digits_of, "00:00")) {
    minute = digits(digits_of.data() + 3, 2);
    size = 6;
  } else if (has_shape(digits_of, "0000")) {
    minute = digits(digits_of.data() + 2, 2);
    size = 5;
  } else if (has_shape(digits_of, "00")) {
    size = 3;
  } else {
    return {};
  }
  hour = digits(digits_of.data(), 2);
  if (hour > 18 || minute > 59) return {};
  const auto offset = hours{hour} + minutes{minute};
  return {east ? offset : -offset, size};
}

bool is_word_end(std::string_view text, std::size_t at) noexcept {
  if (at >= text.size()) return true;
  const char c = text[at];
  return !is_digit(c) && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z');
}

/// ` UTC`, ` GMT`, ` +0200` or ` +02:00` behind a time: no shorter offset, for that may be a
/// message's first number.
zone_text read_zone_behind_space(std::string_view text) noexcept {
  if (!text.starts_with(' ')) return {};
  const auto word = text.substr(1);
  if ((word.starts_with("UTC") || word.starts_with("GMT")) && is_word_end(word, 3))
    return {minutes{0}, 4};
  if (!word.starts_with('+') && !word.starts_with('-')) return {};
  const auto zone = read_zone(word);
  constexpr std::size_t with_minutes = 5;
  if (zone.size < with_minutes || !is_word_end(word, zone.size)) return {};
  return {zone.offset, zone.size + 1};
}

/// `hh:mm:ss[.fff]`; the shape of the first 8 characters is checked by the caller.
std::size_t read_clock(std::string_view text, time_parts& parts) noexcept {
  parts.hour = digits(text.data(), 2);
  parts.minute = digits(text.data() + 3, 2);
  parts.second = digits(text.data() + 6, 2);
  std::size_t size = 8;
  if (text.size() > 9 && (text[8] == '.' || text[8] == ',')) {
    const auto f = read_fraction(text.substr(9));
    if (f.size != 0) size = 9 + f.size;
    parts.millisecond = f.milliseconds;
  }
  return size;
}

std::optional<std::chrono::sys_days> to_day(int year, int month, int day) noexcept {
  const std::chrono::year_month_day date{std::chrono::year{year},
                                         std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok()) return std::nullopt;
  return std::chrono::sys_days{date};
}

/// Far enough to meet a 29th of February from any year.
constexpr int years_to_look_back = 8;

std::optional<timestamp> complete_year(const time_parts& parts, milliseconds of_day,
                                       timestamp object_time) noexcept {
  const auto local = std::chrono::floor<days>(object_time + tolerance_of_year);
  const auto latest = static_cast<int>(std::chrono::year_month_day{local}.year());
  for (int year = latest; year != latest - years_to_look_back; --year) {
    const auto day = to_day(year, parts.month, parts.day);
    if (day && *day + of_day <= object_time + tolerance_of_year) return *day + of_day;
  }
  return std::nullopt;
}

}  // namespace

std::optional<timestamp> to_time(const time_parts& parts, const time_context& context) noexcept {
  if (parts.hour > 23 || parts.minute > 59 || parts.second > 60) return std::nullopt;
  const auto zone = parts.zone.value_or(context.zone);
  const milliseconds of_day = hours{std::max(parts.hour, 0)} + minutes{parts.minute} +
                              seconds{parts.second} + milliseconds{parts.millisecond};
  const auto object_time = context.object_time + zone;  // as the clock on that wall showed it
  if (parts.day == time_parts::absent) {
    const auto time = std::chrono::floor<days>(object_time) + of_day;
    return (time > object_time + tolerance_of_day ? time - days{1} : time) - zone;
  }
  if (parts.year == time_parts::absent) {
    const auto time = complete_year(parts, of_day, object_time);
    if (!time) return std::nullopt;
    return *time - zone;
  }
  const auto day = to_day(parts.year, parts.month, parts.day);
  if (!day) return std::nullopt;
  return *day + of_day - zone;
}

scanned_time scan_iso8601(std::string_view text, const time_context& context) noexcept {
  if (!has_shape(text, "0000-00-00") || text.size() < 19 || (text[10] != 'T' && text[10] != ' ') ||
      !has_shape(text.substr(11), "00:00:00"))
    return {};
  time_parts parts{.year = digits(text.data(), 4),
                   .month = digits(text.data() + 5, 2),
                   .day = digits(text.data() + 8, 2)};
  auto size = 11 + read_clock(text.substr(11), parts);
  auto zone = read_zone(text.substr(size));
  if (zone.size == 0) zone = read_zone_behind_space(text.substr(size));
  if (zone.size != 0) parts.zone = zone.offset;
  size += zone.size;
  if (!is_word_end(text, size)) return {};
  const auto time = to_time(parts, context);
  return {time ? scan::found : scan::impossible, time.value_or(timestamp{}), size};
}

scanned_time scan_time_of_day(std::string_view text, const time_context& context) noexcept {
  if (!has_shape(text, "00:00:00")) return {};
  time_parts parts;
  const auto size = read_clock(text, parts);
  if (!is_word_end(text, size)) return {};
  const auto time = to_time(parts, context);
  return {time ? scan::found : scan::impossible, time.value_or(timestamp{}), size};
}

std::optional<timestamp> from_epoch(std::int64_t number) noexcept {
  constexpr std::int64_t most_seconds = 100'000'000'000;
  if (number < 0) return std::nullopt;
  if (number < most_seconds) return timestamp{milliseconds{number * 1000}};
  if (number < most_seconds * 1000) return timestamp{milliseconds{number}};
  if (number < most_seconds * 1'000'000) return timestamp{milliseconds{number / 1000}};
  return timestamp{milliseconds{number / 1'000'000}};
}

std::optional<timestamp> from_epoch(double number) noexcept {
  constexpr double most_seconds = 1e11, most = 9e18;
  if (!(number >= 0) || number > most) return std::nullopt;
  if (number >= most_seconds) return from_epoch(static_cast<std::int64_t>(number));
  // Half a microsecond more, so that 1445191307.978, which no double holds exactly, is not cut to
  // .977.
  return timestamp{milliseconds{static_cast<std::int64_t>(std::floor(number * 1000 + 0.0005))}};
}

result<minutes> parse_time_zone(std::string_view text) {
  if (text == "Z" || text == "UTC" || text == "GMT") return minutes{0};
  const auto zone = read_zone(text);
  if (zone.size == 0 || zone.size != text.size())
    return error{"'" + std::string{text} +
                 "' is no offset from UTC; write for example +02:00 or UTC"};
  return zone.offset;
}

}  // namespace cloudflow::connect
