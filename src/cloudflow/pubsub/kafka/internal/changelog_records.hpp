/// The records of a changelog: its key names a store and a key in it, its value is the value, or
/// none.
#pragma once

#include "cloudflow/pubsub/transaction.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cloudflow::pubsub::kafka {

/// The state of one task: of `owner` (see pubsub::owner_of) for one partition.
struct task_id {
  std::string owner;
  partition_id partition;

  auto operator<=>(const task_id&) const = default;
};

/// What one transaction writes to the changelog of one task.
struct changelog_part {
  task_id task;
  std::string topic;
  std::unique_ptr<record_buffer> records = std::make_unique<record_buffer>();
  std::int64_t last_offset = -1;  ///< of the records; filled in when they have arrived
};

/// A record taken apart. Borrows from it.
struct changelog_entry {
  std::string_view store, key;
  std::optional<std::string_view> value;
};

void append(record_buffer& to, const changelog_entry& entry);
/// None: it is no record of a changelog. A value whose data is null is a removal.
std::optional<changelog_entry> read_entry(std::string_view key, std::string_view value);

/// The key and value that a position has in the positions_store() of its streamlet: they are kept
/// with its state.
std::string position_key(std::string_view group, std::string_view topic);
std::string position_value(record_offset next, std::string_view topic_id);

/// A position as it was written.
struct written_position {
  record_offset next;
  std::string topic_id;  ///< empty: not known

  bool operator==(const written_position&) const = default;
};
/// Also of a value without the id of the topic, as earlier versions have written it.
std::optional<written_position> read_position(std::string_view value);

}  // namespace cloudflow::pubsub::kafka
