/// Times as log files write them. No locale and no database of time zones is asked: names are
/// English, zones are offsets, and a line means the same on every machine.
#pragma once

#include "cloudflow/base/result.hpp"
#include "cloudflow/base/time.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cloudflow::connect {

/// What a time needs from outside when its text does not say everything.
struct time_context {
  /// Last modification of the object: completes times without date or year.
  timestamp object_time;
  /// Offset from UTC of times that name no zone.
  std::chrono::minutes zone{0};
};

/// The parts of a time as they stand in a text; a part that is not there is `absent`.
struct time_parts {
  static constexpr int absent = -1;

  int year = absent, month = absent, day = absent;
  int hour = absent, minute = 0, second = 0, millisecond = 0;
  std::optional<std::chrono::minutes> zone{};
};

/// The time, or none when there is no such day or time of day. Second 60 is the first of the next
/// minute.
///
/// Without a day: the date of the object's last modification; a time of day more than 23 hours
/// later than that is of the day before, so that a file written over midnight keeps its order.
/// Without a year: the latest year that does not put the record more than a day behind the object's
/// last modification.
std::optional<timestamp> to_time(const time_parts& parts, const time_context& context) noexcept;

enum class scan { none, found, impossible };

struct scanned_time {
  scan outcome = scan::none;
  timestamp time{};
  std::size_t size = 0;  ///< bytes read, unless `none`
};

/// Reads `2015-10-18T18:01:47.978Z` at the beginning of `text`: `T` or a space between date and
/// time, a fraction of up to 9 digits after `.` or `,` or none (cut to milliseconds), `Z`,
/// `+02:00`, `+0200`, `+02` or no zone, also ` UTC`, ` GMT`, ` +0200`, ` +02:00` behind a space. No
/// letter or digit follows it. `impossible`: it has that shape, but there is no such time.
scanned_time scan_iso8601(std::string_view text, const time_context& context) noexcept;

/// Reads `20:32:02.123` likewise.
scanned_time scan_time_of_day(std::string_view text, const time_context& context) noexcept;

/// A number as seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by its
/// size: below 10^11 seconds (until the year 5138), below 10^14, below 10^17, above. None for a
/// number that is negative, not finite or too large.
std::optional<timestamp> from_epoch(double number) noexcept;
std::optional<timestamp> from_epoch(std::int64_t number) noexcept;

/// `+02:00`, `-0530`, `+02`, `Z`, `UTC` or `GMT`; fails for everything else.
result<std::chrono::minutes> parse_time_zone(std::string_view text);

/// A `time-format`, in the way of strptime:
///
///   %Y year   %y two digits, 69-99 are 19xx   %m month   %b %B name of the month   %d %e day   %j
///   day of the year %H hour   %I hour of 12   %p AM PM   %M minute   %S second   %f fraction of a
///   second, 1 to 9 digits %z +02:00, +0200, +02, Z, UTC or GMT   %s seconds since 1970, with or
///   without fraction   %Q milliseconds since 1970 %a %A name of the day (not compared)   %F =
///   %Y-%m-%d   %T = %H:%M:%S   %R = %H:%M   %D = %m/%d/%y   %% a %
///
/// White space matches any amount of white space, also none; everything else itself. Numbers may
/// have fewer digits than usual. A format without % is one of the words `iso8601`, `epoch-seconds`
/// (also with a fraction), `epoch-millis`, `epoch` (told apart by size, see `from_epoch`). An
/// immutable value.
class time_format {
public:
  /// Fails for an unknown conversion, and for a format that fixes no time of day.
  static result<time_format> parse(std::string_view text);

  /// None when `text` as a whole is not of this format, or there is no such time.
  std::optional<timestamp> read(std::string_view text, const time_context& context) const noexcept;

private:
  enum class kind { pattern, iso8601, epoch };
  kind kind_ = kind::pattern;
  std::string pattern_;  // expanded: without %F %T %R %D
};

}  // namespace cloudflow::connect
