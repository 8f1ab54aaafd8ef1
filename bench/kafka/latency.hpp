/// From the moment that a record should have been sent to the moment that what was made of it has
/// come back.
#pragma once

#include <cstdint>
#include <string>

namespace bench {

struct pace {
  std::string out;
  std::int64_t lines_per_second = 1000;
  int seconds = 8;  ///< behind the first two, which are left out
};

struct latencies {
  std::int64_t records = 0, p50_us = 0, p99_us = 0, p999_us = 0, max_us = 0;
  std::int64_t late_us = 0;  ///< how far the sender fell behind at most
};

/// Lines are sent at a constant rate, whatever becomes of them; each carries the time at which it
/// was due. So a record that had to wait because the system (or the sender) stood still counts as
/// long as it had to wait, as do those behind it. Lines that are not DEBUG come back, as log_out or
/// log_line; those that do not within ten seconds are missing in `records`.
latencies measure_latency(const std::string& brokers, const std::string& in, const pace& at);

std::string to_string(const latencies& l);

}  // namespace bench
