#include "cloudflow/blueprint/internal/wiring.hpp"

#include <algorithm>

namespace cloudflow::blueprint::internal {

wiring::wiring(const model& blueprint, std::span<const streamlet_entry> streamlets)
  : blueprint_(blueprint), streamlets_(streamlets) {
  collect_ports();
  for (const auto& topic : blueprint_.topics) {
    collect_entries(topic, topic.producers, true);
    collect_entries(topic, topic.consumers, false);
  }
  for (auto& e : entries_) look_up(e);
  for (auto& e : entries_) find_meaning(e);
  for (auto& e : entries_)
    if (e.state == entry_state::wrong_kind && e.meant == nullptr)
      e.port->bindings.push_back({e.topic, e.written->where});
}

const streamlet_entry* wiring::find_streamlet(std::string_view name) const {
  const auto found = std::find_if(streamlets_.begin(), streamlets_.end(),
                                  [&](const auto& s) { return s.ref->name.text == name; });
  return found == streamlets_.end() ? nullptr : &*found;
}

std::vector<std::string> wiring::paths(bool outlets, const streamlet_entry* owner) const {
  std::vector<std::string> out;
  for (const auto& p : ports_)
    if (p.is_outlet == outlets && (owner == nullptr || p.owner == owner)) out.push_back(p.path);
  return out;
}

std::vector<const port_state*> wiring::ports_of(const topic_ref& topic) const {
  std::vector<const port_state*> out;
  for (const auto& p : ports_)
    if (std::any_of(p.bindings.begin(), p.bindings.end(),
                    [&](const binding& b) { return b.topic == &topic; }))
      out.push_back(&p);
  std::stable_sort(out.begin(), out.end(),
                   [](const auto* a, const auto* b) { return a->path < b->path; });
  return out;
}

config::origin wiring::place_in(const port_state& port, const topic_ref& topic) {
  for (const auto& b : port.bindings)
    if (b.topic == &topic) return b.where;
  return topic.id.where;
}

void wiring::collect_ports() {
  for (const auto& s : streamlets_) {
    if (s.descriptor == nullptr) continue;
    const auto add = [&](const port_descriptor& port, bool is_outlet) {
      ports_.push_back({.path = s.ref->name.text + "." + port.name,
                        .port = &port,
                        .owner = &s,
                        .is_outlet = is_outlet});
    };
    for (const auto& port : s.descriptor->inlets) add(port, false);
    for (const auto& port : s.descriptor->outlets) add(port, true);
  }
  for (auto& p : ports_) by_path_.emplace(std::pair{p.path, p.is_outlet}, &p);
}

void wiring::collect_entries(const topic_ref& topic, const std::vector<located_text>& list,
                             bool wants_outlet) {
  for (const auto& written : list)
    entries_.push_back({.topic = &topic,
                        .written = &written,
                        .wants_outlet = wants_outlet,
                        .path = parse_port_path(written.text)});
}

void wiring::look_up(entry& e) {
  if (!e.path) {
    e.state = entry_state::malformed;
    return;
  }
  const auto find = [&](bool is_outlet) {
    const auto found = by_path_.find({e.path->text(), is_outlet});
    return found == by_path_.end() ? nullptr : found->second;
  };
  if ((e.port = find(e.wants_outlet)) != nullptr) {
    e.state = entry_state::bound;
    e.port->bindings.push_back({e.topic, e.written->where});
  } else if ((e.port = find(!e.wants_outlet)) != nullptr) {
    e.state = entry_state::wrong_kind;
  } else {
    const auto* streamlet = find_streamlet(e.path->streamlet);
    const auto follows_from_another =
        streamlets_.empty() || (streamlet != nullptr && streamlet->descriptor == nullptr);
    e.state = follows_from_another ? entry_state::unchecked : entry_state::not_found;
  }
}

std::vector<port_state*> wiring::free_ports(bool outlets, const streamlet_entry* owner) {
  std::vector<port_state*> out;
  for (auto& p : ports_)
    if (p.is_outlet == outlets && p.bindings.empty() && !p.is_meant &&
        (owner == nullptr || p.owner == owner))
      out.push_back(&p);
  return out;
}

port_state* wiring::only_or_nearest(const entry& e, const std::vector<port_state*>& candidates,
                                    std::string_view name) const {
  const auto is_of_one_streamlet = e.path && find_streamlet(e.path->streamlet) != nullptr;
  if (is_of_one_streamlet && candidates.size() == 1) return candidates.front();
  std::vector<std::string> names;
  for (const auto* p : candidates) names.push_back(p->path);
  const auto at = [&](std::string_view wanted) {
    const auto found = std::find(names.begin(), names.end(), wanted);
    return found == names.end() ? nullptr
                                : candidates[static_cast<std::size_t>(found - names.begin())];
  };
  if (auto* exact = at(name)) return exact;
  const auto near = config::nearest(name, names);
  return near ? at(*near) : nullptr;
}

/// A port that is connected nowhere else, and that the entry all but names. What is only near to a
/// port that is connected already may be anything.
void wiring::find_meaning(entry& e) {
  if (e.state == entry_state::bound || e.state == entry_state::unchecked) return;
  if (e.state == entry_state::wrong_kind) {
    // A port that is connected on its proper side elsewhere stands here by mistake for its
    // counterpart; one that is not has been put into the wrong list.
    if (e.port->bindings.empty()) return;
    const auto candidates = free_ports(e.wants_outlet, e.port->owner);
    if (candidates.size() == 1) e.meant = candidates.front();
  } else if (e.state == entry_state::not_found) {
    const auto* streamlet = find_streamlet(e.path->streamlet);
    e.meant = only_or_nearest(e, free_ports(e.wants_outlet, streamlet), e.path->text());
  } else {
    auto name = e.written->text;
    name.erase(0, std::min(name.find_first_not_of(" ."), name.size()));
    while (name.ends_with('.') || name.ends_with(' ')) name.pop_back();
    if (const auto* streamlet = find_streamlet(name)) {
      const auto candidates = free_ports(e.wants_outlet, streamlet);
      if (candidates.size() == 1) e.meant = candidates.front();
    } else if (!name.empty()) {
      e.meant = only_or_nearest(e, free_ports(e.wants_outlet, nullptr), name);
    }
  }
  if (e.meant != nullptr) e.meant->is_meant = true;
}

std::vector<verified_topic> check_wiring(const model& blueprint,
                                         std::span<const streamlet_entry> streamlets,
                                         std::vector<problem>& problems) {
  wiring w{blueprint, streamlets};
  check_entries(w, problems);
  check_connections(w, problems);
  check_schemas(w, problems);
  std::vector<verified_topic> topics;
  for (const auto& topic : blueprint.topics) {
    verified_topic out{.id = topic.id.text,
                       .name = topic.name.text,
                       .cluster = topic.cluster ? topic.cluster->text : "",
                       .producers = {},
                       .consumers = {},
                       .kafka_config = topic.kafka_config};
    for (const auto* p : w.ports_of(topic))
      (p->is_outlet ? out.producers : out.consumers).push_back(p->path);
    if (!out.producers.empty() || !out.consumers.empty()) topics.push_back(std::move(out));
  }
  return topics;
}

}  // namespace cloudflow::blueprint::internal
