#pragma once

#include "cloudflow/pubsub/kafka/internal/admin.hpp"

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace cloudflow::pubsub::kafka {

/// What a worker wants of partitions and cannot wait for: brokers may be away.
///
/// Has a thread, once there is something to do. What is wanted meanwhile is done together; of one
/// partition that records are forgotten in, the last wish counts.
///
/// Concurrency: thread-safe. Destroying it waits for the request under way, for as long as `admin`
/// says.
class partition_requests {
public:
  using take_end = std::function<void(const result<record_offset>&)>;

  partition_requests(const admin& requests, logger log)
    : requests_(requests), log_(std::move(log)) {}

  /// See backend::ask_end and backend::forget_before.
  void ask_end(const topic_partition& of, const take_end& then);
  void forget_before(const topic_partition& of, record_offset needed);

private:
  using questions = std::vector<std::pair<topic_partition, take_end>>;
  using wishes = std::map<topic_partition, record_offset>;

  void see_to_it();
  void work(const std::stop_token& stop);
  void answer(const questions& asked) const;
  void remove(const wishes& needed);

  const admin& requests_;
  logger log_;
  bool has_said_ = false;  ///< that records cannot be removed
  std::mutex mutex_;
  std::condition_variable_any changed_;
  questions asked_;      ///< guarded by mutex_
  wishes needed_;        ///< guarded by mutex_
  std::jthread thread_;  ///< started under mutex_; last: uses all of the above
};

}  // namespace cloudflow::pubsub::kafka
