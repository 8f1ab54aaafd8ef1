// What a task commits, and what it tells about itself.
#include "cloudflow/runtime/task.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace cloudflow::runtime {

bool task::has_changes() const noexcept {
  if (!changes_.empty()) return true;
  return !must_rewind_ && std::any_of(sources_.begin(), sources_.end(),
                                      [](const auto& s) { return s->has_moved(); });
}

void task::collect(pubsub::transaction& into) {
  if (!chain_ || !has_changes()) return;
  chain_->save();
  changes_.hand_over(in_flight_);
  looked_at_ = 0;
  author_sources_.saved();
  quarantine_.saved();
  is_committing_ = true;
  is_idle_.store(false, std::memory_order_release);
  collect_outputs(into);
  dead_letters_.write(in_flight_.rejected, into);
  const auto& state = in_flight_.state;
  for (const auto& e : state.entries())
    into.state.push_back(
        {streamlet_->store_names[e.store], partition_id{partition_}, state.key(e), state.value(e)});
  // All of them, moved or not: that the task still has its partitions is what makes the commit
  // valid.
  for (const auto& s : sources_) {
    s->submit();
    into.positions.push_back({s->from->group(), s->at.topic, s->at.partition, s->submitted});
  }
}

void task::collect_outputs(pubsub::transaction& into) const {
  for (std::size_t i = 0; i != in_flight_.outputs.size(); ++i) {
    const auto parts = in_flight_.outputs[i].by_partition();
    for (std::size_t p = 0; p != parts.size(); ++p)
      if (!parts[p].empty())
        into.outputs.push_back(
            {streamlet_->outlets[i].topic, partition_id{static_cast<std::int32_t>(p)}, &parts[p]});
  }
}

void task::committed() {
  if (!std::exchange(is_committing_, false)) return;
  std::uint64_t records = 0, bytes = 0;
  for (std::size_t i = 0; i != streamlet_->plan->outlets.size(); ++i) {
    records += in_flight_.outputs[i].size();
    bytes += in_flight_.outputs[i].byte_size();
  }
  task_metrics::add(metrics_.records_out, records);
  task_metrics::add(metrics_.bytes_out, bytes);
  task_metrics::add(metrics_.records_rejected, in_flight_.rejected.size());
  for (std::size_t i = 0; i != in_flight_.counted.counts.size(); ++i)
    task_metrics::add(metrics_.counted[i], in_flight_.counted.counts[i]);
  task_metrics::add(metrics_.commits, 1);
  for (auto& s : sources_) s->settle();
  forget_moved();
  for (auto& answer : in_flight_.when_durable) answer();
  in_flight_.clear();
  author_sources_.committed();
  quarantine_.committed();
  failures_in_a_row_ = 0;
  if (must_rewind_)
    rewind();
  else if (chain_)
    chain_->committed();
}

/// Nobody but this task reads what has moved to it: what is committed may go.
void task::forget_moved() {
  if (streamlet_->repartitions.empty()) return;
  const auto now = time_->monotonic();
  if (now - forgot_at_ < options_.forget_interval) return;
  forgot_at_ = now;
  for (auto& s : sources_) {
    if (s->inlet < streamlet_->plan->inlets.size() || s->committed == s->forgotten) continue;
    s->forgotten = s->committed;
    streamlet_->log->forget_before(s->at, s->committed);
  }
}

void task::abandon(const pubsub::error& e) {
  if (!std::exchange(is_committing_, false)) return;
  in_flight_.clear();
  must_find_positions_ = e.code == pubsub::errc::outcome_unknown;
  // A source has no position that could be looked up: what may be stored is not done twice.
  if (must_find_positions_) author_sources_.unknown();
  if (e.code == pubsub::errc::rebalanced || e.retriable || must_rewind_)
    drop();
  else
    fail(time_->now(), e.message);
}

// -- status ---------------------------------------------------------------------------------------

task_status task::status() const {
  task_status s{.streamlet = streamlet_->plan->name,
                .partition = partition_,
                .is_running = is_running(),
                .failure = {},
                .is_restoring = is_restoring_.load(std::memory_order_acquire),
                .sources = {}};
  const auto read = [](const std::atomic<std::uint64_t>& n) {
    return n.load(std::memory_order_relaxed);
  };
  s.records_in = read(metrics_.records_in);
  s.records_out = read(metrics_.records_out);
  s.bytes_out = read(metrics_.bytes_out);
  s.records_late = read(metrics_.records_late);
  s.records_rejected = read(metrics_.records_rejected);
  for (std::size_t i = 0; i != s.counted.counts.size(); ++i)
    s.counted.counts[i] = read(metrics_.counted[i]);
  s.commits = read(metrics_.commits);
  s.restarts = read(metrics_.restarts);
  if (const auto watermark = metrics_.watermark.load(std::memory_order_relaxed);
      watermark != timestamp::min())
    s.watermark_delay = time_->now() - watermark;
  const std::lock_guard lock{mutex_};
  if (!s.is_running) s.failure = failure_;
  if (const auto missing = missing_topic(); missing && !s.is_running)
    s.failure = fmt::format(
        "this process has partition {} of {}, and not of {}. If that lasts, a topic has got more "
        "partitions since the start: start all processes of the streamlet again",
        partition_, sources_.front()->at.topic, *missing);
  for (const auto& from : sources_) {
    const auto end = from->from->end_offset(from->at);
    const auto position = from->position.load(std::memory_order_acquire);
    s.sources.push_back({streamlet_->inlets[from->inlet].port->name, from->at.topic, partition_,
                         position, end ? std::max(end->value(), position) : position});
  }
  return s;
}

std::vector<std::pair<pubsub::topic_partition, record_offset>> task::positions() const {
  std::vector<std::pair<pubsub::topic_partition, record_offset>> all;
  const std::lock_guard lock{mutex_};
  for (const auto& s : sources_)
    all.emplace_back(s->at, record_offset{s->position.load(std::memory_order_acquire)});
  return all;
}

}  // namespace cloudflow::runtime
