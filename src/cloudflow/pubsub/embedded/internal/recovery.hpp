#pragma once

#include "cloudflow/pubsub/embedded/internal/storage.hpp"
#include "cloudflow/pubsub/embedded/internal/topics.hpp"

#include <memory>

namespace cloudflow::pubsub::embedded {

/// What a log holds when it is opened: topics, where their partitions begin and end, and how far the groups
/// are. Costs a few look-ups a partition, whatever the log's size. A new directory gets its format version;
/// one with a version that is not ours is `errc::unsupported`.
result<std::unique_ptr<topic_table>> recover(storage& disk, const options& wanted);

}  // namespace cloudflow::pubsub::embedded
