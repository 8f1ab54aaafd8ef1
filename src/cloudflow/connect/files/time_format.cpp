#include "cloudflow/connect/files/log_time.hpp"

#include "cloudflow/base/ascii.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>

namespace cloudflow::connect {

namespace {

constexpr std::array<std::string_view, 12> month_names{
    "january", "february", "march",     "april",   "may",      "june",
    "july",    "august",   "september", "october", "november", "december"};
constexpr std::array<std::string_view, 7> day_names{"sunday",   "monday", "tuesday", "wednesday",
                                                    "thursday", "friday", "saturday"};
constexpr std::size_t short_name = 3;

bool is_space(char c) noexcept { return c == ' ' || (c >= '\t' && c <= '\r'); }

bool starts_with_word(std::string_view text, std::string_view word) noexcept {
  if (text.size() < word.size()) return false;
  for (std::size_t i = 0; i != word.size(); ++i)
    if (to_lower(text[i]) != word[i]) return false;
  return true;
}

/// Reads a text part by part; every function says whether the part was there and takes it off the
/// front.
class part_reader {
public:
  part_reader(std::string_view text, const time_context& context)
    : text_(text), context_(context) {}

  bool read(char conversion) noexcept {
    switch (conversion) {
      case 'Y': return number(4, 0, 9999, parts_.year);
      case 'y': return short_year();
      case 'm': return number(2, 1, 12, parts_.month);
      case 'b':
      case 'B': return name(month_names, parts_.month, 1);
      case 'd':
      case 'e': skip_spaces(); return number(2, 1, 31, parts_.day);
      case 'j': return number(3, 1, 366, day_of_year_);
      case 'H': return number(2, 0, 23, parts_.hour);
      case 'I': return number(2, 1, 12, parts_.hour);
      case 'p': return half_of_day();
      case 'M': return number(2, 0, 59, parts_.minute);
      case 'S': return number(2, 0, 60, parts_.second);
      case 'f': return fraction();
      case 'z': return zone();
      case 's': return epoch(true);
      case 'Q': return epoch(false);
      case 'a':
      case 'A': return name(day_names, day_of_week_, 0);
      default: return literal(conversion);
    }
  }
  bool literal(char c) noexcept {
    if (!text_.starts_with(c)) return false;
    text_.remove_prefix(1);
    return true;
  }
  void skip_spaces() noexcept {
    while (!text_.empty() && is_space(text_.front())) text_.remove_prefix(1);
  }

  /// The time, when all of the text is read.
  std::optional<timestamp> finish() noexcept {
    if (!text_.empty()) return std::nullopt;
    if (epoch_) return epoch_;
    if (half_ != time_parts::absent) parts_.hour = parts_.hour % 12 + 12 * half_;
    if (day_of_year_ != time_parts::absent && !day_from_day_of_year()) return std::nullopt;
    return to_time(parts_, context_);
  }

private:
  bool number(std::size_t most_digits, int low, int high, int& into) noexcept {
    std::size_t size = 0;
    int value = 0;
    while (size != most_digits && size != text_.size() && is_digit(text_[size]))
      value = value * 10 + (text_[size++] - '0');
    if (size == 0 || value < low || value > high) return false;
    into = value;
    text_.remove_prefix(size);
    return true;
  }
  bool short_year() noexcept {
    if (!number(2, 0, 99, parts_.year)) return false;
    parts_.year += parts_.year < 69 ? 2000 : 1900;  // as POSIX has it
    return true;
  }
  template <std::size_t N>
  bool name(const std::array<std::string_view, N>& names, int& into, int first) noexcept {
    for (std::size_t i = 0; i != N; ++i) {
      const bool whole = starts_with_word(text_, names[i]);
      if (!whole && !starts_with_word(text_, names[i].substr(0, short_name))) continue;
      into = static_cast<int>(i) + first;
      text_.remove_prefix(whole ? names[i].size() : short_name);
      return true;
    }
    return false;
  }
  bool half_of_day() noexcept {
    const bool am = starts_with_word(text_, "am"), pm = starts_with_word(text_, "pm");
    if (!am && !pm) return false;
    half_ = pm ? 1 : 0;
    text_.remove_prefix(2);
    return true;
  }
  bool fraction() noexcept {
    std::size_t size = 0;
    for (int unit = 100; size != 9 && size != text_.size() && is_digit(text_[size]);
         ++size, unit /= 10)
      parts_.millisecond += unit * (text_[size] - '0');
    text_.remove_prefix(size);
    return size != 0;
  }
  bool zone() noexcept {
    for (const std::string_view utc : {"UTC", "GMT"}) {
      if (!text_.starts_with(utc)) continue;
      parts_.zone = std::chrono::minutes{0};
      text_.remove_prefix(utc.size());
      return true;
    }
    for (const std::size_t size : {6u, 5u, 3u, 1u}) {  // +02:00, +0200, +02, Z
      if (size > text_.size()) continue;
      auto zone = parse_time_zone(text_.substr(0, size));
      if (!zone) continue;
      parts_.zone = *zone;
      text_.remove_prefix(size);
      return true;
    }
    return false;
  }
  bool epoch(bool in_seconds) noexcept {
    std::int64_t whole = 0;
    const auto [end, ec] = std::from_chars(text_.data(), text_.data() + text_.size(), whole);
    constexpr std::int64_t most = 9'000'000'000'000;  // seconds: a factor 1000 still fits
    if (ec != std::errc{} || whole < 0 || (in_seconds && whole > most)) return false;
    text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
    epoch_ = timestamp{std::chrono::milliseconds{in_seconds ? whole * 1000 : whole}};
    if (in_seconds && text_.size() > 1 && text_.front() == '.' && is_digit(text_[1])) {
      text_.remove_prefix(1);
      if (!fraction()) return false;
      *epoch_ += std::chrono::milliseconds{parts_.millisecond};
    }
    return true;
  }
  bool day_from_day_of_year() noexcept {
    namespace c = std::chrono;
    if (parts_.year == time_parts::absent) return false;
    const c::year_month_day date{c::sys_days{c::year{parts_.year} / 1 / 1} +
                                 c::days{day_of_year_ - 1}};
    parts_.month = static_cast<int>(static_cast<unsigned>(date.month()));
    parts_.day = static_cast<int>(static_cast<unsigned>(date.day()));
    return static_cast<int>(date.year()) == parts_.year;
  }

  std::string_view text_;
  const time_context& context_;
  time_parts parts_;
  int half_ = time_parts::absent, day_of_year_ = time_parts::absent, day_of_week_ = 0;
  std::optional<timestamp> epoch_;
};

std::string expanded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    switch (text[++i]) {
      case 'F': out += "%Y-%m-%d"; break;
      case 'T': out += "%H:%M:%S"; break;
      case 'R': out += "%H:%M"; break;
      case 'D': out += "%m/%d/%y"; break;
      default: out += {'%', text[i]};
    }
  }
  return out;
}

/// What is wrong with an expanded pattern; empty when nothing is.
std::string objection_to_pattern(std::string_view pattern) {
  constexpr std::string_view known = "YymbBdejHIpMSfzsQaA%";
  std::string used;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] != '%') continue;
    if (++i == pattern.size()) return "it ends in the middle of a conversion";
    if (known.find(pattern[i]) == known.npos)
      return fmt::format("there is no conversion %{}; there are %{}, %F %T %R %D", pattern[i],
                         fmt::join(known, " %"));
    used += pattern[i];
  }
  const auto has = [&](std::string_view any) { return used.find_first_of(any) != used.npos; };
  if (has("sQ")) return {};
  if (!has("HI")) return "it names no hour (%H), and neither seconds since 1970 (%s)";
  if (has("I") && !has("p")) return "it has an hour of 12 (%I) without AM or PM (%p)";
  if (has("p") && !has("I")) return "it has AM or PM (%p) without an hour of 12 (%I)";
  if (has("j") && !has("Yy")) return "it has a day of the year (%j) without a year (%Y)";
  if (has("mbB") != has("de")) return "month and day belong together";
  if (has("Yy") && !has("dej")) return "it has a year without month and day";
  return {};
}

}  // namespace

result<time_format> time_format::parse(std::string_view text) {
  time_format format;
  if (text == "epoch-seconds") text = "%s";
  if (text == "epoch-millis") text = "%Q";
  if (text.find('%') == text.npos) {
    if (text != "iso8601" && text != "epoch")
      return error{fmt::format(
          "time-format '{}' is none of iso8601, epoch-seconds, epoch-millis, epoch and has "
          "no conversion such as %Y; write for example \"%Y-%m-%d %H:%M:%S,%f\"",
          text)};
    format.kind_ = text == "epoch" ? kind::epoch : kind::iso8601;
    return format;
  }
  format.pattern_ = expanded(text);
  if (const auto why = objection_to_pattern(format.pattern_); !why.empty())
    return error{fmt::format("time-format '{}' cannot be used: {}", text, why)};
  return format;
}

std::optional<timestamp> time_format::read(std::string_view text,
                                           const time_context& context) const noexcept {
  if (kind_ == kind::iso8601) {
    const auto found = scan_iso8601(text, context);
    if (found.outcome != scan::found || found.size != text.size()) return std::nullopt;
    return found.time;
  }
  if (kind_ == kind::epoch) {
    std::int64_t whole = 0;
    const auto* end = text.data() + text.size();
    if (const auto [at, ec] = std::from_chars(text.data(), end, whole);
        ec == std::errc{} && at == end)
      return from_epoch(whole);
    double number = 0;
    const auto [at, ec] = std::from_chars(text.data(), end, number);
    return ec == std::errc{} && at == end ? from_epoch(number) : std::nullopt;
  }
  part_reader reader{text, context};
  for (std::size_t i = 0; i != pattern_.size(); ++i) {
    const char c = pattern_[i];
    if (is_space(c)) {
      reader.skip_spaces();
    } else if (c == '%' ? !reader.read(pattern_[++i]) : !reader.literal(c)) {
      return std::nullopt;
    }
  }
  return reader.finish();
}

}  // namespace cloudflow::connect
