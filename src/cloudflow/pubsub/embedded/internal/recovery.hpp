#pragma once

#include "cloudflow/pubsub/embedded/internal/storage.hpp"
#include "cloudflow/pubsub/embedded/internal/topics.hpp"

#include <memory>

namespace cloudflow::pubsub::embedded {

/// What a log holds when it is opened: topics, where their partitions begin and end, and how far
/// the groups are. Costs a few look-ups a partition, whatever the log's size.
result<std::unique_ptr<topic_table>> recover(const storage& disk, const options& wanted);

/// The same once more for topics that are in use, after the log was opened again: what a write that
/// failed has brought after all becomes visible. Nobody writes meanwhile.
result<void> recover_again(const storage& disk, const options& wanted, topic_table& topics);

}  // namespace cloudflow::pubsub::embedded
