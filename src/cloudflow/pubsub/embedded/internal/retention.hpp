#pragma once

#include "cloudflow/pubsub/embedded/internal/storage.hpp"
#include "cloudflow/pubsub/embedded/internal/topics.hpp"

#include <vector>

namespace cloudflow::pubsub::embedded {

/// Deletes what the rules of the topics no longer keep and all known groups have read. One call at a time.
class retention {
public:
  retention(storage& disk, const topic_table& topics, const clock& time)
    : disk_(disk), topics_(topics), time_(time) {}

  /// Durable when it returns; readers see the new beginnings before the records go. What was erased is kept
  /// in mind for erased().
  result<maintenance> run();
  /// Ranges whose disk space is not given back yet.
  std::vector<key_range>& erased() noexcept { return erased_; }

private:
  /// The place in front of the first batch that has to stay.
  result<log_place> keep_from(const partition_log& partition, const topic_rules& rules) const;
  result<void> trim(partition_log& partition, const topic_rules& rules, write_set& changes,
                    maintenance& done);

  storage& disk_;
  const topic_table& topics_;
  const clock& time_;
  std::vector<key_range> erased_;
};

}  // namespace cloudflow::pubsub::embedded
