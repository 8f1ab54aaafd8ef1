#pragma once

#include "cloudflow/pubsub/embedded/internal/committer.hpp"
#include "cloudflow/pubsub/embedded/internal/topics.hpp"

#include <optional>
#include <vector>

namespace cloudflow::pubsub::embedded {

/// Whether the time of day can be believed: not for an hour after it has jumped, seen from the
/// monotonic clock. A clock that jumps ahead for a minute must not make all records old. Confined
/// to one thread.
class clock_check {
public:
  explicit clock_check(const clock& time) : time_(time), offset_(offset()) {}
  bool agrees();

private:
  std::chrono::nanoseconds offset() const {
    return time_.now().time_since_epoch() - time_.monotonic();
  }

  const clock& time_;
  std::chrono::nanoseconds
      offset_;  ///< from the monotonic clock to the time of day, when last looked at
  std::optional<std::chrono::nanoseconds> jumped_at_;  ///< by the monotonic clock
};

/// Deletes what the rules of the topics no longer keep and all known groups have read. One call at
/// a time.
class retention {
public:
  retention(const storage& disk, committer& log, const topic_table& topics, const clock& time)
    : disk_(disk), log_(log), topics_(topics), time_(time), clocks_(time) {}

  /// Durable when it returns; readers see the new beginnings before the records go. What was erased
  /// is kept in mind for erased().
  result<maintenance> run();
  /// Ranges whose disk space is not given back yet.
  std::vector<key_range>& erased() noexcept { return erased_; }

private:
  /// The place in front of the first batch that has to stay.
  result<log_place> keep_from(const partition_log& partition, const topic_rules& rules) const;
  result<void> trim(partition_log& partition, const topic_rules& rules, write_set& changes,
                    maintenance& done);

  const storage& disk_;
  committer& log_;
  const topic_table& topics_;
  const clock& time_;
  clock_check clocks_;
  std::vector<key_range> erased_;
};

}  // namespace cloudflow::pubsub::embedded
