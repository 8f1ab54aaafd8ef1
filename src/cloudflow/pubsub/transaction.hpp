#pragma once

#include "cloudflow/base/record.hpp"
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
  std::string_view store;  ///< full name: `<streamlet>.<state>`
  partition_id partition;  ///< of the task that owns the key
  std::string_view key;
  std::optional<std::string_view> value;  ///< none: the key is removed
};

/// How far a group has come in one source split. For a topic partition the split is `<topic>/<partition>` and
/// the position the next offset to read, as `encode_offset` writes it; other sources choose their own bytes.
struct position_change {
  std::string_view group;
  std::string_view split;
  std::string_view position;
};

std::string split_of(const topic_partition& source);
std::string encode_offset(record_offset next);
/// None when `position` is not an offset.
std::optional<record_offset> decode_offset(std::string_view position);

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
