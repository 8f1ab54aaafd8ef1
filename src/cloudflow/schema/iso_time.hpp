#pragma once

#include "cloudflow/base/time.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cloudflow::schema {

using microseconds_since_epoch = std::chrono::sys_time<std::chrono::microseconds>;

/// `2015-10-18T18:01:47.978Z`, `2015-10-18 18:01:47+02:00`: date, `T` or a space, time with
/// optional seconds and up to six decimals, `Z` or an offset; without either it is UTC. Nothing
/// when the text is anything else.
std::optional<microseconds_since_epoch> parse_iso_time(std::string_view text);

/// `2015-10-18`.
std::optional<std::chrono::sys_days> parse_iso_date(std::string_view text);

/// `2015-10-18T18:01:47.978Z`, with six decimals for microseconds; `zone` is `Z` or nothing.
/// Nothing outside of the years 0 to 9999.
std::optional<std::string> iso_from_millis(std::int64_t millis, std::string_view zone = "Z");
std::optional<std::string> iso_from_micros(std::int64_t micros, std::string_view zone = "Z");
std::optional<std::string> iso_from_days(std::int32_t days);

}  // namespace cloudflow::schema
