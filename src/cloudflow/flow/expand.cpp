#include "cloudflow/flow/expand.hpp"

namespace cloudflow::detail {

namespace {

constexpr std::int64_t no_key = -1;

}  // namespace

void kept_record::keep(const record_view& r) {
  auto size = r.key.size() + r.value.size();
  for (const auto& h : r.headers) size += h.name.size() + h.value.size();
  bytes_.clear();
  bytes_.reserve(size + 1);  // also where all is empty, but there
  const auto kept = [this](std::string_view s) {
    if (s.data() == nullptr) return s;
    const auto* at = bytes_.data() + bytes_.size();
    bytes_.insert(bytes_.end(), s.begin(), s.end());
    return std::string_view{at, s.size()};
  };
  view_ = r;
  view_.key = kept(r.key);
  view_.value = kept(r.value);
  headers_.clear();
  for (const auto& h : r.headers) {
    const auto name = kept(h.name);
    headers_.push_back({name, kept(h.value)});
  }
  view_.headers = headers_;
}

parked_record parked_record::of(const record_view& origin, std::string record) {
  parked_record p{.record = std::move(record), .offset = origin.offset, .time = origin.time};
  if (origin.key.data() != nullptr) p.key = origin.key;
  for (const auto& h : origin.headers) p.headers.emplace_back(h.name, h.value);
  return p;
}

void parked_record::restore(kept_record& origin) const {
  std::vector<header_view> views;
  for (const auto& [name, value] : headers) views.push_back({name, value});
  origin.keep({key ? std::string_view{*key} : std::string_view{}, record, views, time, offset});
}

std::string parked_record::encode() const {
  byte_writer w;
  w.put_long(attempts);
  w.put_long(due.time_since_epoch().count());
  w.put_long(static_cast<std::int64_t>(inlet));
  if (key)
    w.put_text(*key);
  else
    w.put_long(no_key);
  w.put_long(offset.value());
  w.put_long(time.time_since_epoch().count());
  w.put_long(static_cast<std::int64_t>(headers.size()));
  for (const auto& [name, value] : headers) {
    w.put_text(name);
    w.put_text(value);
  }
  w.put_raw(record);
  return std::string{w.view()};
}

parked_record parked_record::decode(std::uint64_t id, std::string_view bytes) {
  byte_reader r{bytes};
  parked_record p;
  p.id = id;
  p.attempts = r.get_long();
  p.due = timestamp{std::chrono::milliseconds{r.get_long()}};
  p.inlet = static_cast<std::size_t>(r.get_long());
  if (const auto size = r.get_long(); size != no_key)
    p.key = r.get_raw(static_cast<std::size_t>(size));
  p.offset = record_offset{r.get_long()};
  p.time = timestamp{std::chrono::milliseconds{r.get_long()}};
  for (auto left = r.get_long(); left > 0 && r.ok(); --left) {
    std::string name{r.get_text()};
    p.headers.emplace_back(std::move(name), r.get_text());
  }
  p.record = r.get_raw(r.remaining());
  if (!r.ok()) throw flow::storage_failure("a record that was set aside cannot be read");
  return p;
}

std::string parked_record::key_of(std::uint64_t id) {
  byte_writer w;
  w.put_big_endian(id);
  return std::string{w.view()};
}

std::uint64_t parked_record::id_of(std::string_view key) {
  return byte_reader{key}.get_big_endian<std::uint64_t>();
}

std::chrono::milliseconds delay_of(const retry& policy, std::int64_t attempts) noexcept {
  auto delay = policy.first_delay;
  for (; attempts > 0 && delay < policy.longest_delay; --attempts) delay *= 2;
  return std::min(delay, policy.longest_delay);
}

}  // namespace cloudflow::detail
