/// Reading without a group.
#pragma once

#include "cloudflow/pubsub/backend.hpp"
#include "cloudflow/pubsub/kafka/internal/admin.hpp"
#include "cloudflow/pubsub/kafka/internal/shared_client.hpp"

#include <memory>
#include <mutex>
#include <vector>

namespace cloudflow::pubsub::kafka {

/// Reads committed records of any partition from any offset, as backend::read does.
///
/// It belongs to no group, so it neither needs a coordinator nor leaves a trace. A call costs two
/// or three requests; one at the end of a partition does not fetch.
///
/// Concurrency: thread-safe; calls at the same time have a client each, of which one is kept.
class reader {
public:
  reader(std::shared_ptr<connection> session, const admin& requests)
    : session_(std::move(session)), requests_(requests) {}

  /// Blocks for 15 s at most. Errors: `offset_out_of_range` with the offsets that there are,
  /// `topic_not_found`.
  result<record_batch> read(const topic_partition& source, record_offset from,
                            fetch_limits limits) const;

private:
  result<std::shared_ptr<shared_client>> borrow(const topic_partition& source) const;
  void give_back(std::shared_ptr<shared_client> used) const;
  result<record_batch> fetch(const std::shared_ptr<shared_client>& with,
                             const topic_partition& source, partition_range range,
                             fetch_limits limits) const;

  const std::shared_ptr<connection> session_;
  const admin& requests_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<shared_client> idle_;  ///< guarded by mutex_
};

}  // namespace cloudflow::pubsub::kafka
