#pragma once

#include "cloudflow/pubsub/backend.hpp"
#include "cloudflow/pubsub/kafka/internal/kept_positions.hpp"
#include "cloudflow/pubsub/kafka/internal/shared_client.hpp"

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace cloudflow::pubsub::kafka {

/// Where reading of one partition starts.
struct found_start {
  topic_partition source;
  std::optional<pubsub::error> problem;  ///< errc::offset_out_of_range: `next` is not there
  record_offset next;
  record_offset end{0};  ///< of the log
};

/// errc::offset_out_of_range for a log of `first` to `end`.
pubsub::error out_of_range(const topic_partition& source, record_offset at, std::int64_t first,
                           std::int64_t end);

/// Has librdkafka fetch a partition that it is assigned from `next` on, and drop what it has
/// fetched. Retriable as long as the partition is only about to be assigned.
result<void> move_fetching(const shared_client& at, const topic_partition& source,
                           record_offset next, int at_most_ms);

/// Finds, for partitions that were just assigned, where to go on: what the group has committed (it
/// waits for open transactions on that), then what `kept` knows, then the start that the
/// options say. A position is never replaced by another one: out of range is said. What is found
/// after begin_moving(), it moves the fetching of librdkafka to.
///
/// Has a thread, because brokers are asked and may be away, and transactions may be open for as
/// long as their time-out. Concurrency: thread-safe. Destroying it stops the search, within about a
/// second.
class start_finder {
public:
  struct questions {
    std::string group;
    consumer_options::start start_at = consumer_options::start::earliest;
    kept_positions& kept;  ///< outlives it
    /// Called, from the thread, when take_found() has something new.
    std::function<void()> on_found;
  };

  start_finder(std::shared_ptr<shared_client> at, questions asked,
               std::vector<topic_partition> sources);
  ~start_finder();

  /// Nobody wants to know any more.
  void forget(const topic_partition& source);
  /// It has looked for each of them, or stopped trying.
  bool has_looked() const;
  /// The partitions are assigned now, those that are answered where they start. take_found() has
  /// these too.
  std::vector<found_start> begin_moving();
  /// What was found since the last call; before begin_moving() nothing.
  std::vector<found_start> take_found();
  /// What stands in the way, if it is not just a matter of time.
  std::optional<pubsub::error> take_problem();
  bool is_done() const;

private:
  void search(const std::stop_token& stop);
  void find(const std::vector<topic_partition>& sources, const std::stop_token& stop);
  result<void> start(const topic_partition& source, std::optional<record_offset> known,
                     const std::stop_token& stop);
  result<found_start> compare(const topic_partition& source, std::optional<record_offset> known,
                              const std::stop_token& stop) const;
  void looked();
  bool tell(const found_start& found, bool is_to_be_moved);
  void trouble(pubsub::error what);
  std::vector<topic_partition> wanted() const;

  const std::shared_ptr<shared_client> client_;
  const questions asked_;
  mutable std::mutex mutex_;
  std::set<topic_partition> wanted_;      ///< guarded by mutex_; not found yet
  std::vector<found_start> found_;        ///< guarded by mutex_
  std::optional<pubsub::error> problem_;  ///< guarded by mutex_
  bool has_begun_ = false;                ///< of the thread
  bool has_looked_ = false;               ///< guarded by mutex_
  bool is_moving_ = false;                ///< guarded by mutex_
  std::jthread thread_;                   ///< last: uses all of the above
};

}  // namespace cloudflow::pubsub::kafka
