/// Ports as the tasks of a streamlet use them: what the plan says, what the log knows, what has
/// been compiled from both. Immutable once the runtime has started.
#pragma once

#include "cloudflow/blueprint/plan.hpp"
#include "cloudflow/runtime/schema_reader.hpp"

#include <cstddef>
#include <cstdint>
#include <string>

namespace cloudflow::runtime {

struct inlet_binding {
  const blueprint::port_plan* port = nullptr;
  schema_reader reader;
  std::int32_t partitions = 1;
  std::string schema_header;      ///< of dead letters, which have the inlet's schema
  std::string dead_letter_topic;  ///< empty: the inlet keeps none
};

/// The windows of one state.
struct window_binding {
  const blueprint::window_plan* plan = nullptr;  ///< null: no windows are in the state
  std::string dead_letter_topic = {};            ///< empty: they have none
};

struct outlet_binding {
  const blueprint::port_plan* port = nullptr;
  std::string topic;
  std::int32_t partitions = 1;
  /// The largest record that the topic took when the process started, in bytes.
  std::size_t record_limit = 0;
  std::string schema_header;  ///< empty where the topic's base schema is the outlet's
};

}  // namespace cloudflow::runtime
