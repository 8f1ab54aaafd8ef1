// Records that cannot be processed: how the task gets past them, and what becomes of them.
#include "cloudflow/runtime/dead_letter.hpp"
#include "cloudflow/runtime/limits.hpp"
#include "cloudflow/runtime/task.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace cloudflow::runtime {

/// A record makes the author's code throw. With the policies that go on without it, everything since the last commit
/// is done again but for this record: so half a record never shows, and nothing is saved per record for it.
void task::poisoned(record_offset at, timestamp now, const std::string& reason) {
  auto* s = current_;
  if (s == nullptr) return fail(now, reason);
  const auto& port = *streamlet_->inlets[s->inlet];
  const auto where = fmt::format("inlet {}, topic {}, partition {}, offset {}: {}", port.name,
                                 s->at.topic, partition_, at.value(), reason);
  if (has_raised_limit()) return drop();
  if (port.on_bad_record == blueprint::bad_record_policy::fail) return fail(now, where);
  streamlet_->where.log.warn("{}; the record is set aside", where);
  drop();
  s->bad.insert_or_assign(at, bad_record{reason});
}

/// Whether a topic that refused a record takes larger ones by now.
bool task::has_raised_limit() {
  bool has_risen = false;
  for (std::size_t i = 0; i != outlet_limits_.size(); ++i) {
    if (!changes_.outputs[i].has_refused()) continue;
    const auto info = streamlet_->log->topic(streamlet_->outlet_topics[i]);
    if (!info) continue;
    const auto limit = record_limit_of(info->spec);
    has_risen |= std::exchange(outlet_limits_[i], limit) < limit;
  }
  return has_risen;
}

/// The record as the inlet reads it or, where it cannot, as it came.
void task::set_aside(source& s, const std::pair<const record_offset, bad_record>& bad) {
  const auto& [offset, why] = bad;
  const auto& r = why.is_decodable ? s.left.front() : *s.find(offset);
  changes_.rejected.push_back(flow::rejected(s.inlet, r, why.reason, why.is_decodable));
  s.take_off_bad(offset);
}

/// Notes where each record that was rejected came from. The policy `fail` holds for whatever one is rejected for.
void task::look_at_rejected() {
  using blueprint::bad_record_policy;
  while (rejected_from_.size() < changes_.rejected.size()) {
    const auto& r = changes_.rejected[rejected_from_.size()];
    rejected_from_.push_back(origin_of(r));
    if (r.inlet >= streamlet_->inlets.size()) continue;
    const auto policy = streamlet_->inlets[r.inlet]->on_bad_record;
    if (policy == bad_record_policy::fail)
      throw flow::record_failure(r.inlet, r.offset, r.reason.c_str());
    if (policy == bad_record_policy::dead_letter) expect_place_for(r);
  }
}

/// A letter that its topic does not take would make every commit of the worker fail, and a record may not be lost
/// silently: the task stops at it.
void task::expect_place_for(const flow::rejected_record& r) {
  constexpr std::size_t most_of_headers = 1024;  // of ours, but for the reason
  const auto& port = *streamlet_->inlets[r.inlet];
  auto size = r.key.size() + r.value.size() + r.reason.size() + most_of_headers;
  for (const auto& [name, value] : r.headers) size += name.size() + value.size();
  auto& limit = letter_limits_[r.inlet];
  if (size <= limit) return;
  if (const auto info = streamlet_->log->topic(port.dead_letter_topic))
    limit = record_limit_of(info->spec);
  if (size <= limit) return;
  throw std::runtime_error(
      fmt::format("inlet {}, topic {}, partition {}, offset {}: {}; and the record is too large to "
                  "be set aside "
                  "in topic {}: raise its max.message.bytes to {} at least",
                  port.name, rejected_from_.back().topic, partition_, r.offset.value(), r.reason,
                  port.dead_letter_topic, size + most_of_headers));
}

/// The flow knows the inlet of a record that it rejects, not which of the inlet's topics it came from: that of the
/// records that run, or the first where none runs (a retry that is due).
pubsub::topic_partition task::origin_of(const flow::rejected_record& r) const {
  const auto reads = [&](const auto& s) {
    return current_ != nullptr ? s.get() == current_ : s->inlet == r.inlet;
  };
  const auto s = std::find_if(sources_.begin(), sources_.end(), reads);
  return s == sources_.end() ? pubsub::topic_partition{} : (*s)->at;
}

void task::collect_rejected(pubsub::transaction& into) {
  dead_letters_.clear();
  in_flight_rejected_from_.resize(in_flight_.rejected.size());
  for (std::size_t i = 0; i != in_flight_.rejected.size(); ++i) {
    const auto& r = in_flight_.rejected[i];
    const auto& from = in_flight_rejected_from_[i];
    if (r.inlet >= streamlet_->inlets.size()) continue;
    const auto& port = *streamlet_->inlets[r.inlet];
    streamlet_->where.log.warn("inlet {}, topic {}, partition {}, offset {}: {}", port.name,
                               from.topic, partition_, r.offset.value(), r.reason);
    if (port.on_bad_record == blueprint::bad_record_policy::dead_letter)
      write_letter(r, from.topic);
  }
  for (const auto& [topic, letters] : dead_letters_)
    into.outputs.push_back({topic, partition_id{0}, &letters});
}

/// The record with its own headers, so that it can be tried again as it was, and those that say why it is here.
void task::write_letter(const flow::rejected_record& r, const std::string& topic) {
  auto& letters = dead_letters_[streamlet_->inlets[r.inlet]->dead_letter_topic];
  letters.append(r.has_key ? std::string_view{r.key} : std::string_view{},
                 r.has_value ? std::string_view{r.value} : std::string_view{});
  for (const auto& [name, value] : r.headers)
    if (!dead_letter::is_own(name) && !(r.is_decodable && name == flow::schema_header_name))
      letters.add_header(name, value);
  if (r.is_decodable)
    letters.add_header(flow::schema_header_name, streamlet_->inlet_schema_headers[r.inlet]);
  letters.add_header(dead_letter::reason, r.reason);
  letters.add_header(dead_letter::topic, topic);
  letters.add_header(dead_letter::partition, std::to_string(partition_));
  letters.add_header(dead_letter::offset, std::to_string(r.offset.value()));
  letters.add_header(dead_letter::time, to_iso8601(time_->now()));
}

}  // namespace cloudflow::runtime
