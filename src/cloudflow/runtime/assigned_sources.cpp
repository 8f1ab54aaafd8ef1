#include "cloudflow/runtime/assigned_sources.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace cloudflow::runtime {

void assigned_sources::post(const source_event& e) {
  {
    const std::lock_guard lock{mutex_};
    posted_.push_back(e);
  }
  has_posted_.store(true, std::memory_order_release);
}

std::vector<source_event> assigned_sources::take_posted() {
  std::vector<source_event> taken;
  if (!has_posted_.exchange(false, std::memory_order_acquire)) return taken;
  const std::lock_guard lock{mutex_};
  taken.swap(posted_);
  return taken;
}

void assigned_sources::add(const source_event& e) {
  const std::lock_guard lock{mutex_};
  sources_.push_back(std::make_unique<source>(e));
}

source* assigned_sources::find(const pubsub::topic_partition& at) const noexcept {
  const auto found =
      std::ranges::find_if(sources_, [&at](const auto& each) { return each->at == at; });
  return found == sources_.end() ? nullptr : found->get();
}

std::optional<std::string> assigned_sources::missing_topic() const {
  if (!streamlet_->needs.any()) return {};
  for (const auto& s : sources_)
    for (const auto& [topic, partitions] : s->from->topics())
      if (partition_ < partitions &&
          std::ranges::none_of(
              sources_, [&name = topic](const auto& each) { return each->at.topic == name; }))
        return topic;
  return {};
}

bool assigned_sources::has_leaving() const noexcept {
  return std::ranges::any_of(sources_, [](const auto& s) { return s->is_leaving; });
}

std::vector<std::unique_ptr<source>> assigned_sources::take_leaving() {
  std::vector<std::unique_ptr<source>> gone;
  const std::lock_guard lock{mutex_};
  const auto first_gone = std::stable_partition(sources_.begin(), sources_.end(),
                                                [](const auto& s) { return !s->is_leaving; });
  std::move(first_gone, sources_.end(), std::back_inserter(gone));
  sources_.erase(first_gone, sources_.end());
  return gone;
}

bool assigned_sources::has_moved() const noexcept {
  return std::ranges::any_of(sources_, [](const auto& s) { return s->has_moved(); });
}

void assigned_sources::rewind() {
  for (auto& s : sources_) s->rewind();
}

void assigned_sources::settle() {
  for (auto& s : sources_) s->settle();
}

void assigned_sources::forget_moved(std::chrono::nanoseconds now,
                                    std::chrono::nanoseconds interval) {
  if (streamlet_->repartitions.empty() || now - forgot_at_ < interval) return;
  forgot_at_ = now;
  for (auto& s : sources_) {
    if (s->inlet < streamlet_->plan->inlets.size() || s->committed == s->forgotten) continue;
    s->forgotten = s->committed;
    streamlet_->log->forget_before(s->at, s->committed);
  }
}

void assigned_sources::describe(app::task_status& into) const {
  const std::lock_guard lock{mutex_};
  if (const auto missing = missing_topic(); missing && !into.is_running)
    into.failure = fmt::format(
        "this process has partition {} of {}, and not of {}. If that lasts, a topic has got more "
        "partitions since the start: start all processes of the streamlet again",
        partition_, sources_.front()->at.topic, *missing);
  for (const auto& s : sources_) {
    const auto end = s->from->end_offset(s->at);
    const auto position = s->position.load(std::memory_order_acquire);
    into.sources.push_back({streamlet_->inlets[s->inlet].port->name, s->at.topic, partition_,
                            position, end ? std::max(end->value(), position) : position});
  }
}

std::vector<std::pair<pubsub::topic_partition, record_offset>> assigned_sources::positions() const {
  std::vector<std::pair<pubsub::topic_partition, record_offset>> all;
  const std::lock_guard lock{mutex_};
  for (const auto& s : sources_)
    all.emplace_back(s->at, record_offset{s->position.load(std::memory_order_acquire)});
  return all;
}

}  // namespace cloudflow::runtime
