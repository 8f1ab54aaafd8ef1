#include "cloudflow/pubsub/simulated/internal/partition_log.hpp"

#include <algorithm>

namespace cloudflow::pubsub::simulated {
namespace {

std::optional<std::string> owned(std::string_view text) {
  if (text.data() == nullptr) return {};
  return std::string{text};
}
std::string_view borrowed(const std::optional<std::string>& text) {
  return text ? std::string_view{*text} : std::string_view{};
}
std::size_t size_of(const record_view& r) {
  std::size_t size = r.key.size() + r.value.size();
  for (const auto& h : r.headers) size += h.name.size() + h.value.size();
  return size;
}

}  // namespace

void partition_log::append(const record_buffer& records, std::size_t from, std::size_t to,
                           timestamp now, const std::shared_ptr<const fate>& of) {
  for (const auto& e : records.entries().subspan(from, to - from)) {
    auto& s = slots_.emplace_back();
    s.of = of;
    s.time = now;
    s.key = owned(records.key(e));
    s.value = owned(records.value(e));
    byte_reader headers{records.headers(e)};
    while (headers.remaining() != 0) {
      const auto name = headers.get_text();
      s.headers.emplace_back(name, headers.get_text());
    }
    for (const auto& [name, value] : s.headers) s.header_views.push_back({name, value});
  }
}

void partition_log::mark(timestamp now) {
  auto& s = slots_.emplace_back();
  s.is_mark = true;
  s.time = now;
}

record_offset partition_log::end() const {
  while (ended_ != slots_.size() && !is_open(slots_[ended_])) ++ended_;
  return record_offset{static_cast<std::int64_t>(ended_)};
}

record_view partition_log::view(std::size_t at) const {
  const auto& s = slots_[at];
  return {borrowed(s.key), borrowed(s.value), s.header_views, s.time,
          record_offset{static_cast<std::int64_t>(at)}};
}

record_batch partition_log::read(record_offset from, fetch_limits limits,
                                 bool stops_at_last) const {
  std::vector<record_view> records;
  std::size_t bytes = 0;
  auto at = static_cast<std::size_t>(from.value());
  for (const auto last = static_cast<std::size_t>(end().value()); at != last; ++at) {
    if (!is_seen(slots_[at])) continue;
    const auto r = view(at);
    bytes += size_of(r);
    if (!records.empty() && (records.size() == limits.max_records || bytes > limits.max_bytes))
      break;
    records.push_back(r);
  }
  if (stops_at_last && !records.empty()) return {shared_from_this(), std::move(records)};
  if (at == static_cast<std::size_t>(from.value())) return {};
  return {shared_from_this(), std::move(records), record_offset{static_cast<std::int64_t>(at)}};
}

record_offset partition_log::offset_at(timestamp at) const {
  const auto found = std::find_if(slots_.begin(), slots_.end(),
                                  [at](const slot& s) { return is_seen(s) && s.time >= at; });
  return found == slots_.end() ? end() : record_offset{found - slots_.begin()};
}

record_batch partition_log::committed() const {
  std::vector<record_view> records;
  for (std::size_t at = 0; at != slots_.size(); ++at)
    if (is_seen(slots_[at])) records.push_back(view(at));
  return {shared_from_this(), std::move(records)};
}

}  // namespace cloudflow::pubsub::simulated
