#include "cloudflow/base/ascii.hpp"
#include "cloudflow/config/unicode.hpp"
#include "cloudflow/config/value.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <limits>

namespace cloudflow::config {

namespace {

constexpr auto max = std::numeric_limits<std::int64_t>::max();
constexpr auto min = std::numeric_limits<std::int64_t>::min();

struct quantity {
  std::string_view amount;
  std::string_view unit;
};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// `10 s` as `10` and `s`.
quantity split(std::string_view text) {
  text = detail::trimmed(text);
  auto at = text.size();
  while (at > 0 && is_letter(text[at - 1])) --at;
  return {detail::trimmed(text.substr(0, at)), text.substr(at)};
}

std::string_view without_plus(std::string_view amount) {
  const auto signed_number = amount.size() > 1 && amount[0] == '+' && amount[1] != '-';
  return signed_number ? amount.substr(1) : amount;
}

bool is_whole(std::string_view amount) {
  if (amount.starts_with('-')) amount.remove_prefix(1);
  for (const char c : amount) {
    if (!is_digit(c)) return false;
  }
  return !amount.empty();
}

template <class T>
std::optional<T> read(std::string_view amount) {
  T out{};
  const auto* end = amount.data() + amount.size();
  const auto done = std::from_chars(amount.data(), end, out);
  if (done.ec != std::errc{} || done.ptr != end) return std::nullopt;
  return out;
}

/// A decimal number; from_chars alone would take `inf` and `nan` as well.
std::optional<long double> read_decimal(std::string_view amount) {
  if (amount.find_first_not_of("0123456789.+-eE") != std::string_view::npos) return std::nullopt;
  return read<long double>(amount);
}

/// The largest unit that divides `n` without remainder.
template <class Units>
std::string format_whole(std::int64_t n, const Units& units) {
  for (const auto& [name, size] : units) {
    if (n % size == 0 && n != 0) return fmt::format("{} {}", n / size, name);
  }
  return fmt::format("{} {}", n, units.back().first);
}

// -- durations ------------------------------------------------------------------------------------

struct duration_unit {
  std::array<std::string_view, 5> names;
  std::int64_t nanoseconds;
};

constexpr duration_unit duration_units[] = {
    {{"ms", "milli", "millis", "millisecond", "milliseconds"}, 1'000'000},
    {{"us", "micro", "micros", "microsecond", "microseconds"}, 1'000},
    {{"ns", "nano", "nanos", "nanosecond", "nanoseconds"}, 1},
    {{"d", "day", "days"}, 86'400'000'000'000},
    {{"h", "hour", "hours"}, 3'600'000'000'000},
    {{"s", "second", "seconds"}, 1'000'000'000},
    {{"m", "minute", "minutes"}, 60'000'000'000},
};

std::optional<std::int64_t> nanoseconds_in(std::string_view unit) {
  if (unit.empty()) return duration_units[0].nanoseconds;
  for (const auto& candidate : duration_units) {
    for (const auto name : candidate.names) {
      if (name == unit) return candidate.nanoseconds;
    }
  }
  return std::nullopt;
}

// Longer than 292 years is as long as can be said, as in the reference implementation.
std::int64_t clamped(long double n) {
  if (n >= static_cast<long double>(max)) return max;
  if (n <= static_cast<long double>(min)) return min;
  return static_cast<std::int64_t>(n);
}

// -- memory sizes ---------------------------------------------------------------------------------

constexpr std::string_view decimal_prefixes[] = {"kilo", "mega", "giga",  "tera",
                                                 "peta", "exa",  "zetta", "yotta"};
constexpr std::string_view binary_prefixes[] = {"kibi", "mebi", "gibi", "tebi",
                                                "pebi", "exbi", "zebi", "yobi"};
constexpr std::string_view letters = "KMGTPEZY";

bool is_long_unit(std::string_view unit, std::string_view prefix) {
  if (!unit.starts_with(prefix)) return false;
  unit.remove_prefix(prefix.size());
  return unit == "byte" || unit == "bytes";
}

/// `K`, `k`, `Ki`, `KiB` count by 1024, `kB`, `MB` by 1000; 0: no such unit.
long double bytes_in(std::string_view unit) {
  if (unit.empty() || unit == "b" || unit == "B" || is_long_unit(unit, "")) return 1;
  for (std::size_t i = 0; i != letters.size(); ++i) {
    const auto power = static_cast<int>(i) + 1;
    const std::string upper(1, letters[i]);
    const std::string lower(1, static_cast<char>(letters[i] - 'A' + 'a'));
    if (unit == (i == 0 ? lower : upper) + "B" || is_long_unit(unit, decimal_prefixes[i])) {
      return std::pow(1000.0L, power);
    }
    if (unit == lower || unit == upper || unit == upper + "i" || unit == upper + "iB" ||
        is_long_unit(unit, binary_prefixes[i])) {
      return std::pow(1024.0L, power);
    }
  }
  return 0;
}

using named_units = std::array<std::pair<std::string_view, std::int64_t>, 7>;

}  // namespace

std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  const auto [amount, unit] = split(text);
  const auto scale = nanoseconds_in(unit);
  const auto number_text = without_plus(amount);
  if (!scale) return std::nullopt;
  if (!is_whole(number_text)) {
    const auto n = read_decimal(number_text);
    if (!n) return std::nullopt;
    return std::chrono::nanoseconds{clamped(*n * static_cast<long double>(*scale))};
  }
  const auto n = read<std::int64_t>(number_text);
  if (!n) return std::nullopt;
  std::int64_t product = 0;
  if (__builtin_mul_overflow(*n, *scale, &product)) product = *n < 0 ? min : max;
  return std::chrono::nanoseconds{product};
}

std::optional<std::int64_t> parse_memory_size(std::string_view text) {
  const auto [amount, unit] = split(text);
  const auto scale = bytes_in(unit);
  const auto n = read_decimal(without_plus(amount));
  if (scale == 0 || !n) return std::nullopt;
  const auto bytes = std::trunc(*n * scale);
  // 2^63 itself is the first size that is too large.
  if (std::signbit(bytes) || bytes >= 9223372036854775808.0L) return std::nullopt;
  return static_cast<std::int64_t>(bytes);
}

std::string format_duration(std::chrono::nanoseconds d) {
  static constexpr named_units units = {{{"d", 86'400'000'000'000},
                                         {"h", 3'600'000'000'000},
                                         {"m", 60'000'000'000},
                                         {"s", 1'000'000'000},
                                         {"ms", 1'000'000},
                                         {"us", 1'000},
                                         {"ns", 1}}};
  return format_whole(d.count(), units);
}

std::string format_memory_size(std::int64_t bytes) {
  static constexpr named_units units = {{{"EiB", std::int64_t{1} << 60},
                                         {"PiB", std::int64_t{1} << 50},
                                         {"TiB", std::int64_t{1} << 40},
                                         {"GiB", std::int64_t{1} << 30},
                                         {"MiB", std::int64_t{1} << 20},
                                         {"KiB", std::int64_t{1} << 10},
                                         {"B", 1}}};
  return format_whole(bytes, units);
}

std::optional<bool> parse_bool(std::string_view text) {
  if (text == "true" || text == "yes" || text == "on") return true;
  if (text == "false" || text == "no" || text == "off") return false;
  return std::nullopt;
}

}  // namespace cloudflow::config
