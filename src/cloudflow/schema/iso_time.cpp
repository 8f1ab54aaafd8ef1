#include "cloudflow/schema/iso_time.hpp"

#include <fmt/format.h>

namespace cloudflow::schema {

namespace {

namespace chrono = std::chrono;

/// Takes text from the front; after the first thing that does not fit, nothing fits.
class text_reader {
public:
  explicit text_reader(std::string_view text) : text_(text) {}

  int digits(std::size_t count) {
    int value = 0;
    for (std::size_t i = 0; i != count; ++i) {
      const char c = text_.empty() ? '\0' : text_.front();
      if (c < '0' || c > '9') {
        good_ = false;
        return 0;
      }
      value = value * 10 + (c - '0');
      text_.remove_prefix(1);
    }
    return value;
  }
  bool take(char c) {
    if (text_.empty() || text_.front() != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  void expect(char c) { good_ = take(c) && good_; }
  bool at_digit() const { return !text_.empty() && text_.front() >= '0' && text_.front() <= '9'; }
  bool complete() const { return good_ && text_.empty(); }
  void refuse() { good_ = false; }

private:
  std::string_view text_;
  bool good_ = true;
};

chrono::sys_days read_date(text_reader& in) {
  const chrono::year year{in.digits(4)};
  in.expect('-');
  const chrono::month month{static_cast<unsigned>(in.digits(2))};
  in.expect('-');
  const chrono::year_month_day date{year, month, chrono::day{static_cast<unsigned>(in.digits(2))}};
  if (!date.ok()) in.refuse();
  return date.ok() ? chrono::sys_days{date} : chrono::sys_days{};
}

int below(text_reader& in, int value, int limit) {
  if (value >= limit) in.refuse();
  return value;
}

chrono::microseconds read_fraction(text_reader& in) {
  if (!in.take('.') && !in.take(',')) return {};
  if (!in.at_digit()) in.refuse();
  std::int64_t value = 0;
  for (std::int64_t unit = 100'000; in.at_digit(); unit /= 10) value += unit * in.digits(1);
  return chrono::microseconds{value};
}

chrono::microseconds read_time(text_reader& in) {
  const chrono::hours hours{below(in, in.digits(2), 24)};
  in.expect(':');
  const chrono::minutes minutes{below(in, in.digits(2), 60)};
  if (!in.take(':')) return hours + minutes;
  const chrono::seconds seconds{below(in, in.digits(2), 60)};
  return hours + minutes + seconds + read_fraction(in);
}

chrono::minutes read_offset(text_reader& in) {
  if (in.take('Z')) return {};
  const int sign = in.take('-') ? -1 : in.take('+') ? 1 : 0;
  if (sign == 0) return {};
  const chrono::hours hours{below(in, in.digits(2), 24)};
  in.take(':');
  return sign * (hours + chrono::minutes{below(in, in.digits(2), 60)});
}

std::optional<std::string> format_date(chrono::sys_days day) {
  constexpr chrono::sys_days first{chrono::year{0} / 1 / 1}, last{chrono::year{9999} / 12 / 31};
  if (day < first || day > last) return std::nullopt;
  const chrono::year_month_day date{day};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
}

template <class Unit>
std::optional<std::string> format_time(std::int64_t count, int decimals, std::string_view zone) {
  const chrono::sys_time<Unit> time{Unit{count}};
  // Rounds down by hand: floor<days> would overflow near the ends of int64.
  constexpr auto per_day = Unit{chrono::days{1}}.count();
  const auto days = count / per_day - (count % per_day < 0 ? 1 : 0);
  constexpr std::int64_t furthest = 5'000'000;
  if (days > furthest || days < -furthest) return std::nullopt;
  const chrono::sys_days day{chrono::days{static_cast<int>(days)}};
  auto date = format_date(day);
  if (!date) return std::nullopt;
  const chrono::hh_mm_ss split{time - day};
  return fmt::format("{}T{:02}:{:02}:{:02}.{:0{}}{}", *date, split.hours().count(),
                     split.minutes().count(), split.seconds().count(), split.subseconds().count(),
                     decimals, zone);
}

}  // namespace

std::optional<microseconds_since_epoch> parse_iso_time(std::string_view text) {
  text_reader in{text};
  const auto day = read_date(in);
  if (!in.take('T')) in.expect(' ');
  const auto time = read_time(in);
  const auto offset = read_offset(in);
  if (!in.complete()) return std::nullopt;
  return microseconds_since_epoch{day} + time - offset;
}

std::optional<chrono::sys_days> parse_iso_date(std::string_view text) {
  text_reader in{text};
  const auto day = read_date(in);
  return in.complete() ? std::optional{day} : std::nullopt;
}

std::optional<std::string> iso_from_millis(std::int64_t millis, std::string_view zone) {
  return format_time<chrono::milliseconds>(millis, 3, zone);
}

std::optional<std::string> iso_from_micros(std::int64_t micros, std::string_view zone) {
  return format_time<chrono::microseconds>(micros, 6, zone);
}

std::optional<std::string> iso_from_days(std::int32_t days) {
  constexpr std::int32_t furthest = 5'000'000;
  if (days > furthest || days < -furthest) return std::nullopt;
  return format_date(chrono::sys_days{chrono::days{days}});
}

}  // namespace cloudflow::schema
