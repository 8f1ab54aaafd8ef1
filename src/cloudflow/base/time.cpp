#include "cloudflow/base/time.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace cloudflow {

namespace {

/// Takes a text apart from its front. Once something is not there, nothing is any more.
class scanner {
public:
  explicit scanner(std::string_view text) : left_(text) {}

  /// Exactly so many digits.
  int number(std::size_t digits) {
    int n = 0;
    for (std::size_t i = 0; i != digits; ++i) {
      if (!has_digit()) return fail();
      n = 10 * n + (take() - '0');
    }
    return n;
  }
  /// One of these characters, or '\0' when none of them is next.
  char one_of(std::string_view wanted) {
    return !left_.empty() && wanted.find(left_.front()) != std::string_view::npos ? take() : '\0';
  }
  void expect(std::string_view wanted) {
    if (one_of(wanted) == '\0') fail();
  }
  /// The digits of a fraction, in thousandths.
  int thousandths() {
    int n = 0, digits = 0;
    for (; has_digit(); ++digits) {
      const int digit = take() - '0';
      if (digits < 3) n = 10 * n + digit;
    }
    if (digits == 0) return fail();
    for (; digits < 3; ++digits) n *= 10;
    return n;
  }
  bool has_failed() const noexcept { return has_failed_; }
  bool is_at_end() const noexcept { return left_.empty() && !has_failed_; }

private:
  bool has_digit() const {
    return !left_.empty() && std::isdigit(static_cast<unsigned char>(left_.front())) != 0;
  }
  char take() {
    const char c = left_.front();
    left_.remove_prefix(1);
    return c;
  }
  int fail() {
    has_failed_ = true;
    left_ = {};
    return 0;
  }

  std::string_view left_;
  bool has_failed_ = false;
};

std::optional<std::chrono::sys_days> take_date(scanner& in) {
  const int year = in.number(4);
  in.expect("-");
  const int month = in.number(2);
  in.expect("-");
  const int day = in.number(2);
  const std::chrono::year_month_day date{std::chrono::year{year},
                                         std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (in.has_failed() || !date.ok()) return {};
  return std::chrono::sys_days{date};
}

struct hour_and_minute {
  int hour = 0, minute = 0;
  bool is_one() const noexcept { return hour < 24 && minute < 60; }
  std::chrono::milliseconds since_midnight() const noexcept {
    return std::chrono::hours{hour} + std::chrono::minutes{minute};
  }
};

hour_and_minute take_hour_and_minute(scanner& in) {
  const int hour = in.number(2);
  in.expect(":");
  return {hour, in.number(2)};
}

}  // namespace

std::string to_iso8601(timestamp t) {
  const auto day = std::chrono::floor<std::chrono::days>(t);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss time{t - day};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     time.hours().count(), time.minutes().count(), time.seconds().count(),
                     time.subseconds().count());
}

std::optional<timestamp> from_iso8601(std::string_view text) {
  scanner in{text};
  const auto day = take_date(in);
  if (!day) return {};
  timestamp t{*day};
  if (in.is_at_end()) return t;
  in.expect("T ");
  const auto time = take_hour_and_minute(in);
  int second = 0;
  if (in.one_of(":") != '\0') {
    second = in.number(2);
    t += std::chrono::seconds{second};
    if (in.one_of(".,") != '\0') t += std::chrono::milliseconds{in.thousandths()};
  }
  t += time.since_midnight();
  hour_and_minute zone;
  if (const char sign = in.one_of("Z+-"); sign == '+' || sign == '-') {
    zone = take_hour_and_minute(in);
    t += sign == '+' ? -zone.since_midnight() : zone.since_midnight();
  }
  if (!in.is_at_end() || !time.is_one() || second > 59 || !zone.is_one()) return {};
  return t;
}

timestamp system_clock::now() const {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

std::chrono::nanoseconds system_clock::monotonic() const {
  return std::chrono::steady_clock::now().time_since_epoch();
}

}  // namespace cloudflow
