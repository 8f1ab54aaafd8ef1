#include "cloudflow/pubsub/simulated/internal/coordinator.hpp"

#include <algorithm>

namespace cloudflow::pubsub::simulated {

using phase = member::phase;

bool member::has(phase what) const {
  return std::any_of(holdings.begin(), holdings.end(),
                     [what](const auto& h) { return h.second.is == what; });
}

// -- what members do ------------------------------------------------------------------------------

void coordinator::open(const std::shared_ptr<member>& m) {
  open_.push_back(m);
  join(m);
}

void coordinator::join(const std::shared_ptr<member>& m) {
  auto& g = groups_[m->wanted.group];
  m->is_in_group = true;
  g.members.push_back(m);
  ++g.generation;
  look(g);
}

void coordinator::close(const std::shared_ptr<member>& m, bool leaves) {
  m->wanted.on_ready = {};
  std::erase(open_, m);
  if (!leaves) return;
  auto& g = groups_[m->wanted.group];
  remove(g, m);
  look(g);
}

std::vector<assignment> coordinator::poll(const std::shared_ptr<member>& m) {
  auto& g = groups_[m->wanted.group];
  if (!m->is_in_group) {
    lose_all(*m);
    if (m->holdings.empty()) join(m);
  }
  if (dependencies_->happens(dependencies_->now.rebalances)) rebalance(m->wanted.group);
  look(g);
  m->has_joined = m->is_in_group && !m->has(phase::starting);
  return std::exchange(m->changes, {});
}

/// The brokers have thrown it out: it learns of it now. What its owner does not know of it forgets
/// at once.
void coordinator::lose_all(member& m) const {
  m.released.clear();
  for (auto h = m.holdings.begin(); h != m.holdings.end();) {
    auto& [source, holding] = *h;
    if (holding.is == phase::starting) {
      h = m.holdings.erase(h);
      continue;
    }
    if (std::exchange(holding.is, phase::lost) != phase::lost)
      m.changes.push_back({assignment::kind::lost, source, holding.next});
    ++h;
  }
}

void coordinator::release(const std::shared_ptr<member>& m, const topic_partition& source) {
  auto& g = groups_[m->wanted.group];
  const auto h = m->holdings.find(source);
  if (h == m->holdings.end() || h->second.is == phase::starting) return;
  const bool was_revoked = h->second.is == phase::leaving;
  m->holdings.erase(h);
  if (!was_revoked || !m->is_in_group) return;
  m->released.insert(source);
  if (m->has(phase::leaving)) return;
  for (const auto& each : m->released) g.holders.erase(each);
  m->released.clear();
  look(g);
}

void coordinator::rebalance(std::string_view group) {
  const auto found = groups_.find(group);
  if (found == groups_.end()) return;
  ++found->second.rotation;
  ++found->second.generation;
}

bool coordinator::has_members(std::string_view group) const {
  const auto g = groups_.find(group);
  return g != groups_.end() && !g->second.members.empty();
}

int coordinator::generation_of(std::string_view group) const {
  const auto g = groups_.find(group);
  return g == groups_.end() ? 0 : g->second.generation;
}

bool coordinator::owns(const process& who, std::string_view group,
                       const topic_partition& source) const {
  const auto g = groups_.find(group);
  const bool reads = std::any_of(open_.begin(), open_.end(), [&](const auto& m) {
    return m->of.get() == &who && m->wanted.group == group;
  });
  if (!reads) return !has_members(group);  // as tools move positions
  const auto holder = g->second.holders.find(source);
  if (holder == g->second.holders.end() || holder->second->of.get() != &who) return false;
  const auto h = holder->second->holdings.find(source);
  return h != holder->second->holdings.end() &&
         (h->second.is == phase::owned || h->second.is == phase::leaving);
}

// -- who gets what --------------------------------------------------------------------------------

void coordinator::look(group_state& g) {
  throw_out_silent(g);
  const auto wanted = deal(g);
  take_back(g, wanted);
  give(g, wanted);
  start(g);
}

void coordinator::throw_out_silent(group_state& g) {
  const auto members = g.members;
  for (const auto& m : members)
    if (m->of->is_silent_for(dependencies_->now.session_timeout, *dependencies_->time))
      remove(g, m);
}

void coordinator::remove(group_state& g, const std::shared_ptr<member>& m) {
  m->is_in_group = false;
  ++g.generation;
  std::erase(g.members, m);
  std::erase_if(g.holders, [&](const auto& h) { return h.second == m; });
}

/// Of joined topics the same member gets partition n of all, if they have equally many partitions;
/// as Kafka's range assignor has it.
bool coordinator::keeps_together(const group_state& g) const {
  std::set<std::int32_t> counts;
  for (const auto& m : g.members)
    for (const auto& topic : m->wanted.topics) counts.insert(known_.partitions_of(topic));
  return counts.size() < 2;
}

/// Partition n to the n-th member that reads the topic.
coordinator::targets coordinator::deal(const group_state& g) const {
  std::map<std::string, std::vector<std::shared_ptr<member>>> readers;
  for (const auto& m : g.members)
    for (const auto& topic : m->wanted.topics) readers[topic].push_back(m);
  targets wanted;
  const std::size_t shift = keeps_together(g) ? 0 : 1;
  std::size_t first = g.rotation;
  for (const auto& [topic, members] : readers) {
    for (std::int32_t p = 0; p != known_.partitions_of(topic); ++p)
      wanted[{topic, partition_id{p}}] =
          members[(static_cast<std::size_t>(p) + first) % members.size()];
    first += shift;
  }
  return wanted;
}

/// A member that has not released what was revoked before is not asked for more.
void coordinator::take_back(group_state& g, const targets& wanted) {
  std::set<const member*> busy;
  for (const auto& m : g.members)
    if (m->has(phase::leaving)) busy.insert(m.get());
  for (auto holder = g.holders.begin(); holder != g.holders.end();) {
    const auto& [source, m] = *holder;
    const auto target = wanted.find(source);
    const auto h = m->holdings.find(source);
    const bool stays = target != wanted.end() && target->second == m;
    if (stays || busy.contains(m.get()) || m->released.contains(source)) {
      ++holder;
    } else if (h == m->holdings.end() || h->second.is == phase::starting) {
      if (h != m->holdings.end()) m->holdings.erase(h);
      holder = g.holders.erase(holder);
    } else {
      h->second.is = phase::leaving;
      m->changes.push_back({assignment::kind::revoked, source, h->second.next});
      if (m->wanted.on_ready) m->wanted.on_ready();
      ++holder;
    }
  }
}

void coordinator::give(group_state& g, const targets& wanted) {
  for (const auto& [source, m] : wanted) {
    if (g.holders.contains(source) || !may_get(g, wanted, source)) continue;
    g.holders[source] = m;
    m->holdings[source] = {.looks_left = dependencies_->up_to(dependencies_->now.longest_start)};
    if (m->wanted.on_ready) m->wanted.on_ready();
  }
}

bool coordinator::may_get(const group_state& g, const targets& wanted,
                          const topic_partition& source) const {
  const auto& m = wanted.at(source);
  if (m->has(phase::leaving) || m->has(phase::lost)) return false;
  if (!m->wanted.is_joined || !keeps_together(g)) return true;
  return std::all_of(g.holders.begin(), g.holders.end(), [&](const auto& h) {
    return h.first.partition != source.partition || h.second == m;
  });
}

void coordinator::start(group_state& g) {
  for (const auto& m : g.members) {
    if (m->of->is_silent) continue;
    for (auto& [source, h] : m->holdings) {
      if (h.is != phase::starting || (h.looks_left > 0 && --h.looks_left > 0)) continue;
      if (known_.is_pending(m->wanted.group, source)) continue;
      h.is = phase::owned;
      h.next = known_.start_of(*m, source);
      m->changes.push_back({assignment::kind::assigned, source, h.next});
      if (m->wanted.on_ready) m->wanted.on_ready();
    }
  }
}

}  // namespace cloudflow::pubsub::simulated
