#pragma once

#include "cloudflow/base/result.hpp"
#include "cloudflow/pubsub/backend.hpp"

#include <string_view>

namespace cloudflow::operate {

/// A place in a topic as a person names it: it becomes an offset of each partition when it is
/// looked up. A value type, immutable.
class offset_spec {
public:
  enum class kind { earliest, latest, offset, last, time };

  /// `earliest` or `beginning`, `latest` or `end`, an offset, `-N` (before the last N records), a
  /// time in ISO 8601, or
  /// `-2h` (that long before `now`; a duration as in configuration). The error lists these.
  static result<offset_spec> parse(std::string_view text, timestamp now);
  static offset_spec earliest() noexcept { return offset_spec{kind::earliest}; }
  static offset_spec latest() noexcept { return offset_spec{kind::latest}; }
  static offset_spec at(record_offset offset) noexcept {
    offset_spec p{kind::offset};
    p.number_ = offset.value();
    return p;
  }

  kind what() const noexcept { return what_; }

  /// The offset in a partition that holds `range`. Errors: a plain offset that is outside of it;
  /// what the log says.
  result<record_offset> in(const pubsub::backend& log, const pubsub::topic_partition& source,
                           const pubsub::partition_range& range) const;
  /// As in(), but a plain offset outside of the range becomes the end of it that is nearest.
  result<record_offset> near(const pubsub::backend& log, const pubsub::topic_partition& source,
                             const pubsub::partition_range& range) const;

private:
  explicit offset_spec(kind what) noexcept : what_(what) {}

  kind what_;
  std::int64_t number_ = 0;  // an offset, or how many records
  timestamp time_;
};

}  // namespace cloudflow::operate
