#pragma once

#include "cloudflow/blueprint/plan.hpp"
#include "cloudflow/runtime/bindings.hpp"
#include "cloudflow/runtime/crash_history.hpp"
#include "cloudflow/runtime/input.hpp"
#include "cloudflow/streamlet/context.hpp"
#include "cloudflow/streamlet/definition.hpp"

#include <memory>
#include <string>
#include <vector>

namespace cloudflow::runtime {

/// What one streamlet is in this process, shared by its tasks. Immutable once the runtime has
/// started.
struct streamlet_instance {
  const blueprint::streamlet_plan* plan = nullptr;
  /// The plan's, and behind them its repartition topics: each is an inlet and an outlet.
  std::vector<inlet_binding> inlets;
  std::vector<outlet_binding> outlets;
  std::vector<window_binding> windows;   ///< by state
  std::string source_dead_letter_topic;  ///< empty: there are no sources
  std::vector<flow::repartition_ports> repartitions;
  std::vector<crash_suspect> suspects;
  const streamlet_definition* definition = nullptr;
  pubsub::backend* log = nullptr;
  streamlet_config where;
  std::vector<std::unique_ptr<input>> inputs;  ///< one for each consumer group
  flow::store_needs needs;                     ///< with the parameters' real values
  std::vector<std::string> store_names;        ///< as the log knows them; order of flow::wiring
  std::vector<stores::stored_values> store_values;  ///< of one store each
};

}  // namespace cloudflow::runtime
