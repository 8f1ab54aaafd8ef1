#pragma once

#include "cloudflow/pubsub/simulated/internal/partition_log.hpp"

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace cloudflow::pubsub::simulated {

/// The topics by name. Guarded by the broker's mutex.
class topics {
public:
  result<topic_info> ensure(const topic_spec& wanted);
  result<topic_info> describe(std::string_view name) const;
  std::vector<topic_info> all() const;
  void set_limit(std::string_view name, std::size_t bytes);

  /// Null: there is no such partition.
  partition_log* find(const topic_partition& source) const;
  /// Whether these records can be written there; otherwise why not.
  result<void> check(const output& records) const;

private:
  struct topic {
    topic_spec spec;
    std::vector<std::shared_ptr<partition_log>> partitions;
  };
  static topic_info info_of(const topic& t);

  std::map<std::string, topic, std::less<>> topics_;
};

error no_such_topic(std::string_view what);

}  // namespace cloudflow::pubsub::simulated
