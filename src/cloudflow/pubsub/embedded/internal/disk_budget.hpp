#pragma once

#include "cloudflow/pubsub/embedded/internal/storage.hpp"
#include "cloudflow/pubsub/embedded/internal/topics.hpp"

#include <mutex>
#include <optional>

namespace cloudflow::pubsub::embedded {

/// Says whether there is room for a transaction: within the log's own bound, and on the disk
/// itself, so that a write hardly ever fails for want of space. Thread-safe; refers to its
/// arguments.
class disk_budget {
public:
  disk_budget(const options& wanted, const storage& disk, const topic_table& topics);

  /// Reserves the space, or says why there is none. `makes_room`: the transaction moves a position.
  std::optional<error> reserve(std::size_t bytes, bool makes_room);
  /// Why the disk has no room for anything.
  std::optional<error> lacks_room() const { return check_disk(0); }
  /// Looks how much the directory takes.
  std::uint64_t measure();

private:
  std::optional<error> check_bound(std::size_t bytes, bool makes_room);
  std::optional<error> check_disk(std::size_t bytes) const;
  std::string largest_topic() const;

  const options& options_;
  const storage& disk_;
  const topic_table& topics_;
  std::mutex mutex_;  // everything below
  std::uint64_t measured_ = 0;
  std::uint64_t written_since_ = 0;
};

}  // namespace cloudflow::pubsub::embedded
