#include "cloudflow/pubsub/simulated/internal/commits.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace cloudflow::pubsub::simulated {
namespace {

error fenced(const std::string& transactional_id) {
  return {errc::fenced, fmt::format("Another producer with the transactional id {} has taken over.",
                                    transactional_id)};
}
error rebalanced(const std::string& group, const topic_partition& of) {
  return {errc::rebalanced,
          fmt::format("{} is not this consumer's in the present generation of group {}.",
                      to_string(of), group)};
}

record_buffer copy_of(const record_buffer& records) {
  record_buffer copy;
  for (const auto& e : records.entries()) {
    copy.append(records.key(e), records.value(e));
    byte_reader headers{records.headers(e)};
    while (headers.remaining() != 0) {
      const auto name = headers.get_text();
      copy.add_header(name, headers.get_text());
    }
  }
  return copy;
}

}  // namespace

bool begun_commit::writes_state_of(const stores::task_key& task) const {
  return std::any_of(state.begin(), state.end(), [&](const kept_state& s) {
    return owner_of(s.store) == task.first && s.partition.value() == task.second;
  });
}

// -- the beginning --------------------------------------------------------------------------------

int commits::open_epoch(const producer_options& how) {
  if (how.delivery != guarantee::exactly_once) return 0;
  const auto former = open_;
  for (const auto& c : former) {
    if (!c->is_exact() || c->how.transactional_id != how.transactional_id) continue;
    if (c->is == phase::ending)
      succeed(*c);
    else
      fail(*c, fenced(how.transactional_id));
  }
  return ++epochs_[how.transactional_id];
}

std::shared_ptr<begun_commit> commits::begin(const std::shared_ptr<process>& by,
                                             const producer_options& how, int epoch,
                                             const transaction& changes, bool is_patient) {
  auto c = std::make_shared<begun_commit>();
  c->by = by;
  c->how = how;
  c->epoch = epoch;
  c->is_patient = is_patient;
  keep(*c, changes);
  if (auto ok = check(changes); !ok) {
    c->is = phase::over;
    c->outcome = std::move(ok).error();
    return c;
  }
  for (const auto& s : c->state) {
    const stores::task_key task{owner_of(s.store), s.partition.value()};
    if (!stores_->is_restored(*by, task))
      dependencies_->violations.push_back(fmt::format(
          "store {} of partition {} is written before it is restored", s.store, task.second));
  }
  open_.push_back(c);
  draw_trouble(*c);
  write_some(*c);
  if (is_patient)
    c->looks_left = dependencies_->up_to(dependencies_->now.longest_phase);
  else
    while (!c->is_answered()) advance(*c);
  return c;
}

void commits::draw_trouble(begun_commit& c) {
  if (failing_next_ > 0) {
    --failing_next_;
    c.trouble = why_next_;
  } else if (c.is_patient && dependencies_->happens(dependencies_->now.failing_commits)) {
    c.trouble = error{errc::failed, "The commit was aborted."};
  } else if (c.is_patient && dependencies_->happens(dependencies_->now.retriable_commits)) {
    c.trouble = error{errc::unavailable, "No coordinator answers now."};
  }
}

result<void> commits::check(const transaction& changes) const {
  for (const auto& out : changes.outputs) CLOUDFLOW_TRY(topics_->check(out));
  return {};
}

void commits::keep(begun_commit& c, const transaction& changes) const {
  for (const auto& out : changes.outputs)
    c.outputs.push_back({{std::string{out.topic}, out.partition}, copy_of(*out.records)});
  for (const auto& s : changes.state)
    c.state.push_back({std::string{s.store}, s.partition, std::string{s.key},
                       s.value ? std::optional<std::string>{*s.value} : std::nullopt});
  for (const auto& p : changes.positions) {
    c.positions.push_back({std::string{p.group}, {std::string{p.topic}, p.partition}, p.next});
    c.generations[std::string{p.group}] = groups_->generation_of(p.group);
  }
}

/// All of a transaction; a part of what is seen at once, when it is to fail.
void commits::write_some(begun_commit& c) {
  if (c.is_exact()) c.transaction = std::make_shared<fate>(fate::open);
  const auto now = dependencies_->time->now();
  for (const auto& out : c.outputs) {
    auto count = out.records.size();
    if (!c.is_exact() && c.trouble)
      count = static_cast<std::size_t>(dependencies_->up_to(static_cast<int>(count)));
    topics_->find(out.to)->append(out.records, 0, count, now, c.transaction);
  }
}

// -- the way --------------------------------------------------------------------------------------

void commits::look(begun_commit& c) {
  while (c.is == phase::ending || !c.is_answered()) {
    if (dependencies_->now.holds_commits) return;
    if (c.looks_left > 0) {
      --c.looks_left;
      return;
    }
    advance(c);
  }
}

void commits::advance(begun_commit& c) {
  c.looks_left = dependencies_->up_to(dependencies_->now.longest_phase);
  if (c.is == phase::ending) return succeed(c);
  if (is_fenced(c)) return fail(c, fenced(c.how.transactional_id));
  if (c.trouble) return fail(c, *c.trouble);
  if (c.is == phase::positions) {
    if (c.is_patient && dependencies_->happens(dependencies_->now.unknown_outcomes)) cut_off(c);
    if (!c.cut_off || dependencies_->happens(500)) c.is = phase::ending;
    return;
  }
  if (const auto why = refusal(c)) return fail(c, *why);
  if (!c.is_exact()) return succeed(c);
  c.is = phase::positions;
}

void commits::cut_off(begun_commit& c) {
  c.cut_off = dependencies_->time->monotonic();
  c.outcome = error{errc::outcome_unknown, "The connection was lost during the commit."};
}

bool commits::is_fenced(const begun_commit& c) const {
  return c.is_exact() && epochs_.at(c.how.transactional_id) != c.epoch;
}

/// Why its positions are not taken.
std::optional<error> commits::refusal(const begun_commit& c) {
  for (const auto& p : c.positions)
    if (!groups_->owns(*c.by, p.group, p.of)) return rebalanced(p.group, p.of);
  for (const auto& p : c.positions)
    if (groups_->generation_of(p.group) != c.generations.at(p.group) &&
        dependencies_->happens(dependencies_->now.stale_generations))
      return rebalanced(p.group, p.of);
  return {};
}

void commits::look_at_orphans() {
  const auto open = open_;
  const auto timeout = dependencies_->now.transaction_timeout;
  for (const auto& c : open) {
    if (!c->is_exact() || !(c->by->is_silent || c->cut_off)) continue;
    if (c->is == phase::ending)
      look(*c);
    else if (c->by->is_silent_for(timeout, *dependencies_->time) ||
             (c->cut_off && dependencies_->time->monotonic() - *c->cut_off >= timeout))
      fail(*c, fenced(c->how.transactional_id));
  }
}

void commits::give_up(begun_commit& c) {
  if (c.is == phase::over || c.by->is_silent) return;  // the brokers find out by themselves
  if (c.is == phase::ending)
    succeed(c);
  else
    fail(c, {errc::failed, "The producer was closed."});
}

void commits::fail_next(int count, const error& why) {
  failing_next_ = count;
  why_next_ = why;
}

// -- the end --------------------------------------------------------------------------------------

void commits::succeed(begun_commit& c) {
  end_transaction(c, fate::committed);
  for (const auto& s : c.state)
    stores_->apply(c.cut_off ? nullptr : c.by.get(),
                   {std::string{owner_of(s.store)}, s.partition.value()}, s.store, s.key, s.value);
  for (const auto& p : c.positions) move_position(p);
  if (!c.cut_off) c.outcome = {};
}

void commits::fail(begun_commit& c, const error& why) {
  end_transaction(c, fate::aborted);
  if (!c.cut_off) c.outcome = why;
}

void commits::end_transaction(begun_commit& c, fate how) {
  c.is = phase::over;
  std::erase_if(open_, [&](const auto& each) { return each.get() == &c; });
  if (!c.is_exact()) return;
  *c.transaction = how;
  if (!dependencies_->now.leaves_marks) return;
  std::set<topic_partition> written;
  for (const auto& out : c.outputs)
    if (!out.records.empty()) written.insert(out.to);
  for (const auto& to : written) topics_->find(to)->mark(dependencies_->time->now());
}

void commits::move_position(const begun_commit::kept_position& p) {
  const auto [at, is_new] = positions_.try_emplace({p.group, p.of}, p.next);
  if (p.next < at->second)
    dependencies_->violations.push_back(
        fmt::format("the position of {} in {} goes back from {} to {}", p.group, to_string(p.of),
                    at->second.value(), p.next.value()));
  at->second = p.next;
}

// -- positions ------------------------------------------------------------------------------------

std::optional<record_offset> commits::position(std::string_view group,
                                               const topic_partition& of) const {
  const auto found = positions_.find({std::string{group}, of});
  if (found == positions_.end()) return {};
  return found->second;
}

bool commits::is_pending(std::string_view group, const topic_partition& of) const {
  return std::any_of(open_.begin(), open_.end(), [&](const auto& c) {
    return c->is_exact() && c->is != phase::records &&
           std::any_of(c->positions.begin(), c->positions.end(),
                       [&](const auto& p) { return p.group == group && p.of == of; });
  });
}

bool commits::has_open_state(const stores::task_key& task) const {
  return std::any_of(open_.begin(), open_.end(),
                     [&](const auto& c) { return c->is_exact() && c->writes_state_of(task); });
}

bool commits::has_open_transaction(const process& by) const {
  return std::any_of(open_.begin(), open_.end(),
                     [&](const auto& c) { return c->is_exact() && c->by.get() == &by; });
}

bool is_untouched(const begun_commit& kept, const transaction& now) {
  const auto same_output = [](const begun_commit::kept_output& a, const output& b) {
    return a.records.bytes() == b.records->bytes() && a.records.size() == b.records->size();
  };
  const auto same_state = [](const begun_commit::kept_state& a, const state_change& b) {
    return a.store == b.store && a.key == b.key && a.value == b.value;
  };
  const auto same_position = [](const begun_commit::kept_position& a, const position_change& b) {
    return a.group == b.group && a.of.topic == b.topic && a.next == b.next;
  };
  return std::equal(kept.outputs.begin(), kept.outputs.end(), now.outputs.begin(),
                    now.outputs.end(), same_output) &&
         std::equal(kept.state.begin(), kept.state.end(), now.state.begin(), now.state.end(),
                    same_state) &&
         std::equal(kept.positions.begin(), kept.positions.end(), now.positions.begin(),
                    now.positions.end(), same_position);
}

}  // namespace cloudflow::pubsub::simulated
