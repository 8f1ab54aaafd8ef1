#include "cloudflow/runtime/dead_letters.hpp"

#include "cloudflow/pubsub/dead_letter.hpp"
#include "cloudflow/pubsub/record_limit.hpp"
#include "cloudflow/schema/avro_schema.hpp"

#include <fmt/format.h>

#include <stdexcept>

namespace cloudflow::runtime {

namespace header = pubsub::dead_letter;

namespace {
/// Null: no windows are in this store.
const window_binding* windows_of(const streamlet_instance& s, std::size_t store) {
  if (store >= s.windows.size() || s.windows[store].plan == nullptr) return nullptr;
  return &s.windows[store];
}
}  // namespace

blueprint::bad_record_policy dead_letters::policy_of(const flow::kept_origin& from) const {
  using blueprint::bad_record_policy;
  switch (from.what) {
    case flow::origin_kind::inlet:
      return from.index < streamlet_->inlets.size()
                 ? streamlet_->inlets[from.index].port->on_bad_record
                 : bad_record_policy::fail;
    case flow::origin_kind::window: {
      const auto* windows = windows_of(*streamlet_, from.index);
      return windows != nullptr ? windows->plan->on_bad_window : bad_record_policy::fail;
    }
    case flow::origin_kind::source:
      return streamlet_->source_dead_letter_topic.empty() ? bad_record_policy::fail
                                                          : bad_record_policy::dead_letter;
  }
  return bad_record_policy::fail;
}

const std::string& dead_letters::topic_of(const flow::kept_origin& from) const {
  static const std::string none;
  if (policy_of(from) != blueprint::bad_record_policy::dead_letter) return none;
  switch (from.what) {
    case flow::origin_kind::inlet: return streamlet_->inlets[from.index].dead_letter_topic;
    case flow::origin_kind::window: return windows_of(*streamlet_, from.index)->dead_letter_topic;
    case flow::origin_kind::source: return streamlet_->source_dead_letter_topic;
  }
  return none;
}

std::string dead_letters::describe(const flow::kept_origin& from) const {
  if (from.what == flow::origin_kind::inlet && from.index < streamlet_->inlets.size())
    return fmt::format("inlet {}, {}", streamlet_->inlets[from.index].port->name, from.describe());
  if (const auto* windows =
          from.what == flow::origin_kind::window ? windows_of(*streamlet_, from.index) : nullptr)
    return fmt::format("state {}, {}", streamlet_->plan->states[windows->plan->state].name,
                       from.describe());
  return from.describe();
}

void dead_letters::check(std::span<const flow::rejected_record> rejected) {
  using blueprint::bad_record_policy;
  for (; checked_ < rejected.size(); ++checked_) {
    const auto& r = rejected[checked_];
    const auto policy = policy_of(r.from);
    if (policy == bad_record_policy::fail)
      throw std::runtime_error(fmt::format("{}: {}", describe(r.from), r.reason));
    if (policy == bad_record_policy::dead_letter) expect_room_for(r);
  }
}

void dead_letters::expect_room_for(const flow::rejected_record& r) {
  constexpr std::size_t most_of_headers = 1024;  // of ours, but for the reason
  const auto& topic = topic_of(r.from);
  auto size = r.reason.size() + most_of_headers;
  for (const auto& text : {r.from.key, r.from.value}) size += text ? text->size() : 0;
  for (const auto& [name, value] : r.from.headers) size += name.size() + value.size();
  auto limit = limits_.find(topic);
  if (limit != limits_.end() && size <= limit->second) return;
  const auto info = streamlet_->log->topic(topic);
  if (!info) throw std::runtime_error(fmt::format("topic {}: {}", topic, info.error().message));
  limit = limits_.insert_or_assign(topic, record_limit_of(info->spec)).first;
  if (size <= limit->second) return;
  throw std::runtime_error(
      fmt::format("{}: {}; and it is too large to become a dead letter in topic {}: raise its "
                  "max.message.bytes to {} at least",
                  describe(r.from), r.reason, topic, size + most_of_headers));
}

void dead_letters::write(std::span<const flow::rejected_record> rejected,
                         pubsub::transaction& into) {
  by_topic_.clear();
  for (const auto& r : rejected) {
    streamlet_->where.log.warn("{}: {}", describe(r.from), r.reason);
    if (policy_of(r.from) == blueprint::bad_record_policy::dead_letter) add(r);
  }
  for (const auto& [topic, records] : by_topic_)
    into.outputs.push_back({topic, partition_id{0}, &records});
}

/// The record with its own headers, so that it can be tried again as it was, and those that say why
/// it is here.
void dead_letters::add(const flow::rejected_record& r) {
  const auto& from = r.from;
  auto& records = by_topic_[topic_of(from)];
  const auto view_of = [](const std::optional<std::string>& text) {
    return text ? std::string_view{*text} : std::string_view{};
  };
  records.append(view_of(from.key), view_of(from.value));
  for (const auto& [name, value] : from.headers)
    if (!header::is_own(name) && !(r.is_decodable && name == flow::schema_header_name))
      records.add_header(name, value);
  records.add_header(header::reason, r.reason);
  switch (from.what) {
    case flow::origin_kind::inlet:
      if (r.is_decodable)
        records.add_header(flow::schema_header_name, streamlet_->inlets[from.index].schema_header);
      records.add_header(header::topic, from.topic);
      records.add_header(header::partition, std::to_string(from.partition));
      records.add_header(header::offset, std::to_string(from.offset.value()));
      break;
    case flow::origin_kind::window:
      records.add_header(flow::schema_header_name, schema_header_of(from));
      records.add_header(header::partition, std::to_string(partition_));
      records.add_header(header::window_start, to_iso8601(from.time));
      records.add_header(header::window_end, to_iso8601(from.end));
      break;
    case flow::origin_kind::source:
      if (const auto& schema = schema_header_of(from); !schema.empty())
        records.add_header(flow::schema_header_name, schema);
      records.add_header(header::partition, std::to_string(partition_));
      break;
  }
  records.add_header(header::time, to_iso8601(time_->now()));
}

/// Of the value of a window, or of a source's record; empty: it is not known. The schema is stored,
/// so that whoever looks at the dead letter can read it.
const std::string& dead_letters::schema_header_of(const flow::kept_origin& from) {
  const std::string text{from.what == flow::origin_kind::window
                             ? streamlet_->plan->states[from.index].value.schema
                             : from.schema_text};
  const auto known = schema_headers_.find(text);
  if (known != schema_headers_.end()) return known->second;
  auto& header = schema_headers_[text];
  const auto parsed = schema::parse_avro(text, "schema");
  if (!parsed) return header;
  const auto fingerprint = parsed->fingerprint();
  if (streamlet_->log->schemas().put(fingerprint, text))
    header = fingerprint.substr(0, schema::schema_header_size);
  return header;
}

}  // namespace cloudflow::runtime
