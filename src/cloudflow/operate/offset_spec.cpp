#include "cloudflow/operate/offset_spec.hpp"

#include "cloudflow/config/value.hpp"
#include "cloudflow/schema/iso_time.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace cloudflow::operate {

namespace {

/// A whole number without sign; none if it is anything else.
std::optional<std::int64_t> digits_in(std::string_view text) {
  std::int64_t n = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (code != std::errc{} || end != text.data() + text.size() || text.front() == '-') return {};
  return n;
}

}  // namespace

result<offset_spec> offset_spec::parse(std::string_view text, timestamp now) {
  if (text == "earliest" || text == "beginning") return earliest();
  if (text == "latest" || text == "end") return latest();
  offset_spec p{kind::offset};
  if (const auto offset = digits_in(text)) {
    p.number_ = *offset;
    return p;
  }
  if (text.starts_with('-')) {
    const auto before = text.substr(1);
    if (const auto count = digits_in(before)) {
      p.what_ = kind::last;
      p.number_ = *count;
      return p;
    }
    const auto duration = config::parse_duration(before);
    if (duration && *duration >= std::chrono::nanoseconds::zero()) {
      p.what_ = kind::time;
      p.time_ = now - std::chrono::duration_cast<std::chrono::milliseconds>(*duration);
      return p;
    }
  } else if (const auto time = schema::parse_iso_time(text)) {
    p.what_ = kind::time;
    p.time_ = std::chrono::ceil<std::chrono::milliseconds>(*time);
    return p;
  } else if (const auto day = schema::parse_iso_date(text)) {
    p.what_ = kind::time;
    p.time_ = *day;
    return p;
  }
  return error{
      fmt::format("'{}' is not an offset: write beginning, end, an offset, -N for the last N "
                  "records, a time such as 2026-01-31T12:00Z, or -2h for two hours ago",
                  text)};
}

result<record_offset> offset_spec::in(const pubsub::backend& log,
                                      const pubsub::topic_partition& source,
                                      const pubsub::partition_range& range) const {
  switch (what_) {
    case kind::earliest: return range.first;
    case kind::latest: return range.end;
    case kind::last: return std::max(range.first, range.end + -number_);
    case kind::offset:
      if (record_offset{number_} >= range.first && record_offset{number_} <= range.end)
        return record_offset{number_};
      return error{fmt::format("{} has no offset {}: it holds {} to {}", to_string(source), number_,
                               range.first.value(), range.end.value())};
    case kind::time: break;
  }
  const auto found = log.offset_at(source, time_);
  if (!found) return error{found.error().message};
  return std::clamp(*found, range.first, range.end);
}

result<record_offset> offset_spec::near(const pubsub::backend& log,
                                        const pubsub::topic_partition& source,
                                        const pubsub::partition_range& range) const {
  if (what_ == kind::offset) return std::clamp(record_offset{number_}, range.first, range.end);
  return in(log, source, range);
}

}  // namespace cloudflow::operate
