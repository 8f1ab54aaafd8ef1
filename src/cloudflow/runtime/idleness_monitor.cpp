#include "cloudflow/runtime/idleness_monitor.hpp"

#include <algorithm>

namespace cloudflow::runtime {

bool idleness_monitor::is_idle(timestamp now, sources of_task, pubsub::backend& log) {
  if (asked_.empty()) {
    if (now < not_before_ || !is_quiet(now, of_task)) return false;
    ask(of_task, log);
  }
  if (!is_answered()) return false;
  const bool does = is_quiet(now, of_task) && is_at_end(of_task);
  asked_.clear();
  not_before_ = now + timeout_;
  return does;
}

bool idleness_monitor::is_quiet(timestamp now, sources of_task) const {
  bool has_source = false;
  for (const auto& s : of_task) {
    if (s->inlet != inlet_) continue;
    if (!s->quiet_since || now - *s->quiet_since < timeout_) return false;
    has_source = true;
  }
  return has_source;
}

void idleness_monitor::ask(sources of_task, pubsub::backend& log) {
  for (const auto& s : of_task) {
    if (s->inlet != inlet_) continue;
    auto end = std::make_shared<std::atomic<std::int64_t>>(unanswered);
    asked_.push_back({s.get(), end});
    log.ask_end(s->at, [end](const pubsub::result<record_offset>& found) {
      end->store(found ? found->value() : unknown, std::memory_order_release);
    });
  }
}

bool idleness_monitor::is_answered() const {
  return std::all_of(asked_.begin(), asked_.end(), [](const question& q) {
    return q.end->load(std::memory_order_acquire) != unanswered;
  });
}

bool idleness_monitor::is_at_end(sources of_task) const {
  return std::all_of(of_task.begin(), of_task.end(), [this](const auto& s) {
    if (s->inlet != inlet_) return true;
    const auto q = std::find_if(asked_.begin(), asked_.end(),
                                [&](const question& each) { return each.about == s.get(); });
    if (q == asked_.end()) return false;  // has come meanwhile
    const auto end = q->end->load(std::memory_order_acquire);
    return end != unknown && s->next.value() >= end;
  });
}

}  // namespace cloudflow::runtime
