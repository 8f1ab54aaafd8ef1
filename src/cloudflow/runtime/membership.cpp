#include "cloudflow/runtime/membership.hpp"

namespace cloudflow::runtime {

void membership::poll_assignments() {
  const auto changes = in_->poll_assignments();
  if (!changes) {
    // Said once, not in every round: it may take a while to pass.
    if (changes.error().message != last_problem_)
      log_.warn("group {}: {}", in_->group(), changes.error().message);
    last_problem_ = changes.error().message;
    return;
  }
  for (const auto& change : *changes) {
    last_problem_.clear();
    pass_on(change);
  }
}

void membership::pass_on(const pubsub::assignment& change) {
  const auto& at = change.source;
  const auto number = static_cast<std::size_t>(at.partition.value());
  if (number < tasks_.size()) return tasks_[number]->post({change, inlets_.at(at.topic), in_});
  // Others may wait until it is released, when it is to go; it cannot be worked on in any case.
  in_->release(at);
  if (change.what != pubsub::assignment::kind::assigned) return;
  log_.error(
      "topic {}: nobody processes partition {}: there are {} tasks, one for each partition of the "
      "inlets when this process started. Where a topic has grown, start it again",
      at.topic, number, tasks_.size());
}

}  // namespace cloudflow::runtime
