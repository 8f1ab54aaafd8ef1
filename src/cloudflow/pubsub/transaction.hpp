#pragma once

#include "cloudflow/base/record.hpp"
#include "cloudflow/pubsub/durable_names.hpp"
#include "cloudflow/pubsub/topic.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cloudflow::pubsub {

/// Records for one partition. The buffer is borrowed until commit() returns.
struct output {
  std::string_view topic;
  partition_id partition;
  const record_buffer* records = nullptr;
};

/// One key of one state store of one task. Borrows until commit() returns.
struct state_change {
  std::string_view store;  ///< as durable_names.hpp makes it
  partition_id partition;  ///< of the task that owns the key
  std::string_view key;
  std::optional<std::string_view> value;  ///< none: the key is removed
};

/// How far a group has come in one partition. Sources that are no topics keep their positions in
/// state.
struct position_change {
  std::string_view group;
  std::string_view topic;
  partition_id partition;
  record_offset next;  ///< the first offset that the group has not processed
};

/// `<topic>/<partition>`, for messages.
std::string to_string(const topic_partition& source);

/// Everything of one worker that has to become durable together, or not at all.
struct transaction {
  std::vector<output> outputs;
  std::vector<state_change> state;
  std::vector<position_change> positions;

  bool empty() const noexcept { return outputs.empty() && state.empty() && positions.empty(); }
  void clear() {
    outputs.clear();
    state.clear();
    positions.clear();
  }
};

}  // namespace cloudflow::pubsub
