#pragma once

#include "cloudflow/flow/boundary.hpp"
#include "cloudflow/pubsub/transaction.hpp"
#include "cloudflow/runtime/metrics.hpp"
#include "cloudflow/runtime/streamlet_instance.hpp"

namespace cloudflow::runtime {

/// What a task has handed over to the commit that is under way: the transaction borrows it until
/// that has ended. Confined to the task's worker.
class commit_in_flight {
public:
  /// `streamlet` outlives it.
  commit_in_flight(const streamlet_instance& streamlet, partition_id partition)
    : streamlet_(&streamlet), partition_(partition) {}

  bool is_open() const noexcept { return is_open_; }
  /// A commit begins. Gives what takes the changes; it is empty.
  flow::changes& open() noexcept {
    is_open_ = true;
    return changes_;
  }
  /// Adds records and state; not the dead letters, whose records are not these.
  void add_to(pubsub::transaction& into) const;
  /// It is durable: whoever waits for that is told.
  void succeeded(task_metrics& metrics);
  void failed();

private:
  void count(task_metrics& into) const;

  const streamlet_instance* streamlet_;
  partition_id partition_;
  flow::changes changes_;
  bool is_open_ = false;
};

}  // namespace cloudflow::runtime
