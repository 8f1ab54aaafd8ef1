#include "cloudflow/flow/repartition.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace cloudflow::flow {

std::string moved_schema_of(std::string_view record_schema) {
  // The names have a prefix and no namespace: the record keeps its names, and has none of these.
  return fmt::format(
      R"([{{"type":"record","name":"cloudflow_moved","fields":[{{"name":"time","type":"long"}},)"
      R"({{"name":"record","type":{}}}]}},)"
      R"({{"type":"record","name":"cloudflow_watermark","fields":[{{"name":"partition","type":"int"}},)"
      R"({{"name":"time","type":"long"}}]}},)"
      R"({{"type":"record","name":"cloudflow_idle","fields":[{{"name":"partition","type":"int"}}]}},)"
      R"({{"type":"record","name":"cloudflow_end","fields":[{{"name":"partition","type":"int"}}]}}])",
      record_schema);
}

// -- upstream -------------------------------------------------------------------------------------

void repartition_sink::mark_idle() {
  if (last_sent_watermark_ != watermark_) send_watermark();
  send(moved_kind::idle);
}

void repartition_sink::finish() {
  if (last_sent_watermark_ != watermark_) send_watermark();
  send(moved_kind::end);
}

bool repartition_sink::save() {
  if (last_sent_watermark_ != watermark_) send_watermark();
  return std::exchange(has_pending_markers_, false);
}

void repartition_sink::send_watermark() {
  last_sent_watermark_ = watermark_;
  send(moved_kind::watermark);
  is_active_ = has_pending_markers_ = true;
}

void repartition_sink::send(moved_kind kind) {
  is_active_ = false;
  to_->append_to_each([&](byte_writer& w) {
    w.put_long(static_cast<std::int64_t>(kind));
    w.put_long(partition_);
    if (kind == moved_kind::watermark) put_time(w, watermark_);
  });
}

// -- downstream -----------------------------------------------------------------------------------

namespace {
/// Who is idle may miss saying so twice.
constexpr int idle_timeouts = 3;
}  // namespace

merged_watermark::effect merged_watermark::take(std::string_view value, timestamp now) {
  byte_reader in{value};
  const auto kind = in.get_long(), number = in.get_long();
  const bool has_time = kind == static_cast<std::int64_t>(moved_kind::watermark);
  const auto time = has_time ? get_time(in) : timestamp{};
  if (!in.complete() || kind <= 0 || kind > static_cast<std::int64_t>(moved_kind::end))
    throw std::runtime_error("not a mark of a repartition topic");
  if (number < 0 || static_cast<std::size_t>(number) >= upstream_.size())
    throw std::runtime_error(
        fmt::format("a mark of partition {}, but there are {}", number, upstream_.size()));
  auto& from = upstream_[static_cast<std::size_t>(number)];
  has_changed_ = true;
  switch (static_cast<moved_kind>(kind)) {
    case moved_kind::record: break;
    case moved_kind::watermark: from = {.watermark = std::max(from.watermark, time)}; break;
    case moved_kind::idle: from.idle_until = now + idle_for_; break;
    case moved_kind::end: from.has_ended = true; return has_ended() ? effect::ended : effect::none;
  }
  return advance(now) ? effect::advanced : effect::none;
}

bool merged_watermark::is_idle(timestamp now) const noexcept {
  return std::all_of(upstream_.begin(), upstream_.end(),
                     [now](const auto& p) { return now < p.idle_until; });
}

bool merged_watermark::has_ended() const noexcept {
  return std::all_of(upstream_.begin(), upstream_.end(), [](const auto& p) { return p.has_ended; });
}

/// The smallest of those that are waited for. Where none is, nothing is waited for: the largest of
/// all.
bool merged_watermark::advance(timestamp now) {
  auto smallest = timestamp::max(), largest = timestamp::min();
  for (const auto& p : upstream_) {
    if (now >= p.idle_until) smallest = std::min(smallest, p.watermark);
    largest = std::max(largest, p.watermark);
  }
  const auto to = is_idle(now) ? largest : smallest;
  if (to <= value_) return false;
  value_ = to;
  return true;
}

void merged_watermark::encode(byte_writer& to) {
  has_changed_ = false;
  put_time(to, value_);
  for (const auto& p : upstream_) {
    to.put_byte(p.has_ended ? 1 : 0);
    put_time(to, p.watermark);
  }
}

void merged_watermark::decode(byte_reader& stored) {
  value_ = get_time(stored);
  for (auto& p : upstream_) {
    p.has_ended = stored.get_byte() != 0;
    p.watermark = get_time(stored);
  }
  if (!stored.complete())
    throw stores::storage_failure(
        "the stored watermarks are not those of this number of partitions");
}

// -- both -----------------------------------------------------------------------------------------

repartition::repartition(const wiring& w, const repartition_ports& place, std::string_view state)
  : inlet(place.inlet),
    out(&w.out()),
    time(&w.time()),
    sink(w.out().outputs[place.outlet], w.partition()),
    watermark(w.out().outputs[place.outlet].by_partition().size(),
              w.idle_timeout() * idle_timeouts),
    stores_(&w.stores()),
    store_(w.watermark_store()),
    store_key_(fmt::format("repartition.{}", state)) {}

void repartition::load() {
  const auto stored = stores_->find(store_, store_key_);
  if (!stored) return;
  byte_reader in{*stored};
  sink.load(get_time(in));
  watermark.decode(in);
}

void repartition::save() {
  const bool has_pending_markers = sink.save();
  if (!has_pending_markers && !watermark.has_changed()) return;
  out->state.put(
      store_, [this](byte_writer& w) { w.put_raw(store_key_); },
      [this](byte_writer& w) {
        put_time(w, sink.last_sent_watermark());
        watermark.encode(w);
      });
}

}  // namespace cloudflow::flow
