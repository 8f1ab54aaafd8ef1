/// The input of all jobs: log lines that a seed determines, and what has to become of them.
#pragma once

#include "bench_schemas/level_count.hpp"
#include "bench_schemas/log_line.hpp"
#include "bench_schemas/log_out.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bench {

using loglines::level_count;
using loglines::log_line;
using loglines::log_out;

/// Of the job that all systems do.
constexpr std::int64_t window_ms = 60'000;
inline bool is_wanted(const log_line::view& l) { return l.level != "DEBUG"; }
inline log_out::view transformed(const log_line::view& l) {
  return {l.app,    l.level, l.ts, l.host, l.code, static_cast<double>(l.latency_us) / 1000.0,
          l.message};
}

/// How many lines each partition has; every number is a multiple of 100, so that exactly a fifth is
/// DEBUG. Even, or falling from partition to partition by a factor of four.
std::vector<std::int64_t> partition_sizes(std::int64_t lines, std::int32_t partitions,
                                          bool is_uneven);

/// The lines of one partition, one after the other. All partitions have the same range of event
/// times, a millisecond for each line of the whole input, and each is in the order of its times.
///
/// Behind the last line comes one an hour later, of the application `end` and DEBUG: it closes all
/// windows, and is neither in the output of the transformation nor in the counts.
class log_lines {
public:
  log_lines(std::int32_t partition, std::int64_t size, std::int64_t of_all_partitions);

  bool has_ended() const noexcept { return at_ > size_; }
  /// Borrows until the next call. @pre !has_ended()
  log_line::view next();

private:
  std::int64_t size_, all_, at_ = 0;
  std::uint64_t random_;
  std::string app_, host_, message_;
};

/// Of a set of records, in whatever order: their number, bytes, and a hash.
class order_free_sum {
public:
  void add(std::string_view record) noexcept;
  std::int64_t records() const noexcept { return records_; }
  std::string to_string() const;

private:
  std::int64_t records_ = 0, bytes_ = 0;
  std::uint64_t hash_ = 0;
};

/// Lines by series and start of their minute.
using line_counts = std::map<std::pair<std::string, std::int64_t>, std::int64_t, std::less<>>;
/// `app|level`, in the string given.
void put_series(const log_line::view& l, std::string& into);
std::string to_string(const line_counts& counts);

}  // namespace bench
