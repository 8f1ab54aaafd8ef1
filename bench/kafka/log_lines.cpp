#include "log_lines.hpp"

#include <fmt/format.h>

#include <functional>
#include <iterator>

namespace bench {
namespace {

constexpr std::uint64_t seed = 88172645463325252;
constexpr std::int64_t first_time = 1'700'000'000'000;  // November 2023
constexpr std::int64_t hour_ms = 3'600'000;

/// Of a hundred lines in a row, 20 are DEBUG, 50 INFO, 20 WARN, 9 ERROR and 1 FATAL.
std::string_view level_of(std::int64_t line) {
  const auto k = line * 37 % 100;
  return k < 20 ? "DEBUG" : k < 70 ? "INFO" : k < 90 ? "WARN" : k < 99 ? "ERROR" : "FATAL";
}

/// Marsaglia's xorshift64.
std::uint64_t following(std::uint64_t x) {
  x ^= x << 13;
  x ^= x >> 7;
  return x ^ x << 17;
}

template <class... T>
void print_over(std::string& s, fmt::format_string<T...> format, T&&... values) {
  s.clear();
  fmt::format_to(std::back_inserter(s), format, std::forward<T>(values)...);
}

}  // namespace

std::vector<std::int64_t> partition_sizes(std::int64_t lines, std::int32_t partitions,
                                          bool is_uneven) {
  std::vector<std::int64_t> sizes(static_cast<std::size_t>(partitions));
  auto left = lines / 100;
  for (std::size_t p = 0; p + 1 != sizes.size(); ++p) {
    sizes[p] = is_uneven ? left * 3 / 4 : lines / 100 / partitions;
    left -= sizes[p];
  }
  sizes.back() = left;
  for (auto& size : sizes) size *= 100;
  return sizes;
}

log_lines::log_lines(std::int32_t partition, std::int64_t size, std::int64_t of_all_partitions)
  : size_(size), all_(of_all_partitions), random_(seed + static_cast<std::uint64_t>(partition)) {}

log_line::view log_lines::next() {
  const auto line = at_++;
  random_ = following(random_);
  const auto x = random_;
  if (line == size_) return {"end", "DEBUG", first_time + all_ + hour_ms, "", 0, 0, ""};
  print_over(app_, "app-{:02}", x % 20);
  print_over(host_, "host-{:04}", (x >> 8) % 1000);
  print_over(message_, "request {:016x} handled by worker {:02} after {} tries ok", x, x >> 20 & 31,
             x >> 30 & 7);
  return {app_,
          level_of(line),
          first_time + line * all_ / size_,
          host_,
          200 + static_cast<std::int32_t>((x >> 40) % 300),
          static_cast<std::int64_t>((x >> 16) % 200'000),
          message_};
}

void order_free_sum::add(std::string_view record) noexcept {
  ++records_;
  bytes_ += static_cast<std::int64_t>(record.size());
  hash_ += std::hash<std::string_view>{}(record);
}

std::string order_free_sum::to_string() const {
  return fmt::format("{} records, {} bytes, {:016x}", records_, bytes_, hash_);
}

void put_series(const log_line::view& l, std::string& into) {
  into.assign(l.app).append("|").append(l.level);
}

std::string to_string(const line_counts& counts) {
  order_free_sum sum;
  std::int64_t lines = 0;
  for (const auto& [of, count] : counts) {
    sum.add(fmt::format("{} {} {}", of.first, of.second, count));
    lines += count;
  }
  return fmt::format("{} lines in {}", lines, sum.to_string());
}

}  // namespace bench
