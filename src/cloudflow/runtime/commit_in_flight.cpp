#include "cloudflow/runtime/commit_in_flight.hpp"

namespace cloudflow::runtime {

void commit_in_flight::add_to(pubsub::transaction& into) const {
  for (std::size_t i = 0; i != changes_.outputs.size(); ++i) {
    const auto parts = changes_.outputs[i].by_partition();
    for (std::size_t p = 0; p != parts.size(); ++p)
      if (!parts[p].empty())
        into.outputs.push_back(
            {streamlet_->outlets[i].topic, partition_id{static_cast<std::int32_t>(p)}, &parts[p]});
  }
  const auto& state = changes_.state;
  for (const auto& e : state.entries())
    into.state.push_back(
        {streamlet_->store_names[e.store], partition_, state.key(e), state.value(e)});
}

void commit_in_flight::succeeded(task_metrics& metrics) {
  count(metrics);
  for (auto& answer : changes_.when_durable) answer();
  changes_.clear();
  is_open_ = false;
}

void commit_in_flight::failed() {
  changes_.clear();
  is_open_ = false;
}

/// The outlets of the plan; what moves to another partition is no output.
void commit_in_flight::count(task_metrics& into) const {
  std::uint64_t records = 0, bytes = 0;
  for (std::size_t i = 0; i != streamlet_->plan->outlets.size(); ++i) {
    records += changes_.outputs[i].size();
    bytes += changes_.outputs[i].byte_size();
  }
  task_metrics::add(into.records_out, records);
  task_metrics::add(into.bytes_out, bytes);
  task_metrics::add(into.records_rejected, changes_.rejected.size());
  for (std::size_t i = 0; i != changes_.counted.counts.size(); ++i)
    task_metrics::add(into.counted[i], changes_.counted.counts[i]);
  task_metrics::add(into.commits, 1);
}

}  // namespace cloudflow::runtime
