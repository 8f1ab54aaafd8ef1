// What cannot be processed: how the task gets past it.
#include "cloudflow/pubsub/record_limit.hpp"
#include "cloudflow/runtime/task.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace cloudflow::runtime {

namespace {
/// So many are run one by one after the process was short of memory.
constexpr std::size_t records_run_alone = 1024;
}  // namespace

/// What the author's code threw goes by the policy of the call's origin. With the policies that go
/// on without it, everything since the last commit is done again but for this call: so half a
/// record never shows, and nothing is saved per record for it.
void task::blame(const flow::failure& f, timestamp now) {
  const auto where = fmt::format("{}: {}", dead_letters_.describe(f.from), f.reason);
  if (has_raised_limit()) return drop();
  if (f.cause == flow::failure_cause::out_of_memory && run_alone_ == 0) {
    // Other records may have taken the memory: it is this one only if it fails alone.
    run_alone_ = records_run_alone;
    return fail(now, where);
  }
  if (dead_letters_.policy_of(f.from) == blueprint::bad_record_policy::fail)
    return fail(now, where);
  const auto* topic = &dead_letters_.topic_of(f.from);
  streamlet_->where.log.warn("{}; {}", where,
                             topic->empty() ? "skipped" : "becomes a dead letter in " + *topic);
  quarantine_record(f);
}

/// A record that is still to be committed is left out by the task itself, everything else by the
/// operator that made the call.
void task::quarantine_record(const flow::failure& f) {
  const auto is_of_record = f.from.what == flow::origin_kind::inlet && f.call.empty();
  drop();
  if (!is_of_record) return quarantine_.add(f);
  const pubsub::topic_partition at{f.from.topic, partition_id{f.from.partition}};
  for (auto& s : sources_)
    if (s->at == at) s->bad.insert_or_assign(f.from.offset, bad_record{f.reason});
}

/// Whether a topic that refused a record takes larger ones by now.
bool task::has_raised_limit() {
  bool has_risen = false;
  for (std::size_t i = 0; i != outlet_limits_.size(); ++i) {
    if (!changes_.outputs[i].has_refused()) continue;
    const auto info = streamlet_->log->topic(streamlet_->outlets[i].topic);
    if (!info) continue;
    const auto limit = record_limit_of(info->spec);
    has_risen |= std::exchange(outlet_limits_[i], limit) < limit;
  }
  return has_risen;
}

/// The record as the inlet reads it or, where it cannot, as it came.
void task::dead_letter(source& s, const std::pair<const record_offset, bad_record>& bad) {
  const auto& [offset, why] = bad;
  const auto& r = why.is_decodable ? s.left.front() : *s.find(offset);
  const flow::batch of{s.inlet, s.at.topic, s.at.partition.value(), {}};
  changes_.rejected.push_back({flow::keep(of, r), why.reason, why.is_decodable});
  ++changes_.counted[record_way::read];
  ++changes_.counted[record_way::rejected];
  s.take_off_bad(offset);
}

/// The policy `fail` holds for whatever a record or window is rejected for.
void task::look_at_rejected() {
  using blueprint::bad_record_policy;
  for (; looked_at_ < changes_.rejected.size(); ++looked_at_) {
    const auto& r = changes_.rejected[looked_at_];
    const auto policy = dead_letters_.policy_of(r.from);
    if (policy == bad_record_policy::fail)
      throw std::runtime_error(fmt::format("{}: {}", dead_letters_.describe(r.from), r.reason));
    if (policy == bad_record_policy::dead_letter) dead_letters_.expect_room_for(r);
  }
}

}  // namespace cloudflow::runtime
