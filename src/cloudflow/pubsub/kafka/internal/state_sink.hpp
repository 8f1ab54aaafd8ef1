#pragma once

#include "cloudflow/pubsub/error.hpp"
#include "cloudflow/pubsub/transaction.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace cloudflow::pubsub::kafka {

/// What one transaction writes to changelogs: encoded, and where it arrived.
struct changelog_records {
  struct part {
    std::string topic;
    std::string owner;
    partition_id partition;
    std::unique_ptr<record_buffer> records;
    std::int64_t last_offset = -1;  ///< filled in on delivery
  };
  std::vector<part> parts;
};

/// Where the state of transactions goes. Thread-safe.
class state_sink {
public:
  virtual ~state_sink() = default;
  /// `rebalanced`: the state of a task is changed that is not here (any more).
  virtual result<changelog_records> encode(const transaction& changes) = 0;
  /// The records have been committed: the local state follows.
  virtual void apply(const transaction& changes, const changelog_records& written) = 0;
};

}  // namespace cloudflow::pubsub::kafka
