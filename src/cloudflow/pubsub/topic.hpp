#pragma once

#include "cloudflow/base/record.hpp"

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace cloudflow::pubsub {

/// What a topic should be.
struct topic_spec {
  std::string name;  ///< full match of `[a-zA-Z0-9._-]{1,249}`, not `.` or `..`
  std::int32_t partitions = 1;
  /// Kafka's topic properties (`retention.ms`, `retention.bytes`, `cleanup.policy`,
  /// `max.message.bytes`).
  std::map<std::string, std::string> properties = {};
  /// Fingerprint (SHA-256, 32 bytes) of the schema of records without a schema header; empty: not
  /// known.
  std::string base_schema = {};
  /// Copies, the leader's included; 0: as many as the cluster makes by default.
  std::int16_t replication = 0;
  /// Wanted of a topic in which nothing depends on the number of partitions: on Kafka, those that
  /// it lacks are added.
  bool may_grow = false;

  bool operator==(const topic_spec&) const = default;
};

struct partition_range {
  record_offset first;  ///< the oldest record that can be read
  record_offset end;    ///< one behind the newest committed record
};

/// What a topic is.
struct topic_info {
  topic_spec spec;
  std::vector<partition_range> partitions;
};

struct topic_partition {
  std::string topic;
  partition_id partition;

  auto operator<=>(const topic_partition&) const = default;
};

}  // namespace cloudflow::pubsub
