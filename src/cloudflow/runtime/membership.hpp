#pragma once

#include "cloudflow/base/log.hpp"
#include "cloudflow/runtime/task.hpp"

#include <map>
#include <string>
#include <vector>

namespace cloudflow::runtime {

/// Tells the tasks of a streamlet which partitions they have: what its consumer group says, passed
/// on. One worker has it and calls poll_assignments(), the tasks may be on others.
class membership {
public:
  /// `inlets`: which inlet reads which topic. `tasks`: by partition. All outlive this.
  membership(input& in, std::map<std::string, std::size_t> inlets, std::vector<task*> tasks,
             logger log)
    : in_(&in), inlets_(std::move(inlets)), tasks_(std::move(tasks)), log_(std::move(log)) {}

  /// Never blocks.
  void poll_assignments();

private:
  void pass_on(const pubsub::assignment& change);

  input* in_;
  std::map<std::string, std::size_t> inlets_;
  std::vector<task*> tasks_;
  logger log_;
  std::string last_problem_;
};

}  // namespace cloudflow::runtime
