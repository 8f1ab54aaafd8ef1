#include "cloudflow/kube/internal/rfc3339.hpp"

#include "cloudflow/base/ascii.hpp"

#include <charconv>

namespace cloudflow::kube::internal {

namespace {

/// Takes texts off the front of what is left; once something does not fit, nothing does.
class scanner {
public:
  explicit scanner(std::string_view text) : left_(text) {}

  int number(std::size_t digits) {
    int value = 0;
    if (left_.size() < digits) return fail();
    for (const char c : left_.substr(0, digits)) {
      if (!is_digit(c)) return fail();
      value = 10 * value + (c - '0');
    }
    left_.remove_prefix(digits);
    return value;
  }
  /// One of several characters, or 0.
  char any_of(std::string_view wanted) {
    if (left_.empty() || wanted.find(left_.front()) == wanted.npos) return 0;
    const char found = left_.front();
    left_.remove_prefix(1);
    return found;
  }
  void expect(std::string_view wanted) {
    if (any_of(wanted) == 0) fail();
  }
  bool is_digit_next() const { return !left_.empty() && is_digit(left_.front()); }
  bool is_complete() const { return is_good_ && left_.empty(); }

private:
  int fail() {
    is_good_ = false;
    return 0;
  }
  std::string_view left_;
  bool is_good_ = true;
};

std::chrono::milliseconds fraction(scanner& from) {
  if (from.any_of(".") == 0) return {};
  int value = 0;
  for (int scale = 100; from.is_digit_next(); scale /= 10) value += scale * from.number(1);
  return std::chrono::milliseconds{value};
}

std::chrono::minutes offset(scanner& from) {
  const char sign = from.any_of("Zz+-");
  if (sign == 0) from.expect("Z");
  if (sign != '+' && sign != '-') return {};
  const std::chrono::hours hours{from.number(2)};
  from.expect(":");
  const auto all = hours + std::chrono::minutes{from.number(2)};
  return sign == '-' ? -all : all;
}

}  // namespace

std::optional<timestamp> from_rfc3339(std::string_view text) {
  scanner from{text};
  const std::chrono::year year{from.number(4)};
  from.expect("-");
  const std::chrono::month month{static_cast<unsigned>(from.number(2))};
  from.expect("-");
  const std::chrono::year_month_day date{year, month,
                                         std::chrono::day{static_cast<unsigned>(from.number(2))}};
  from.expect("Tt ");
  const std::chrono::hours hours{from.number(2)};
  from.expect(":");
  const std::chrono::minutes minutes{from.number(2)};
  from.expect(":");
  const std::chrono::seconds seconds{from.number(2)};
  const auto rest = fraction(from);
  const auto zone = offset(from);
  if (!from.is_complete() || !date.ok()) return std::nullopt;
  return timestamp{std::chrono::sys_days{date}} + hours + minutes + seconds + rest - zone;
}

std::string to_micro_time(timestamp time) {
  auto text = to_iso8601(time);
  text.insert(text.size() - 1, "000");
  return text;
}

}  // namespace cloudflow::kube::internal
