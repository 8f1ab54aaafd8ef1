#include "cloudflow/flow/expansion_queue.hpp"

#include <algorithm>
#include <utility>

namespace cloudflow::detail {

namespace {

std::string key_of(std::uint64_t id) {
  byte_writer w;
  w.put_big_endian(id);
  return std::string{w.view()};
}

}  // namespace

// -- expansion_item -------------------------------------------------------------------------------

std::string expansion_item::encode() const {
  // The value of a record of an inlet is mostly the operator's input itself.
  const bool is_value = from.value == record;
  byte_writer w;
  w.put_long(attempts);
  put_time(w, due);
  put_time(w, time);
  w.put_text(key);
  w.put_byte(is_value ? 1 : 0);
  auto stored = from;
  if (is_value) stored.value.reset();
  flow::encode(stored, w);
  w.put_raw(record);
  return std::string{w.view()};
}

expansion_item expansion_item::decode(std::uint64_t id, std::string_view bytes) {
  byte_reader r{bytes};
  expansion_item item;
  item.id = id;
  item.is_stored = true;
  item.attempts = r.get_long();
  item.due = get_time(r);
  item.time = get_time(r);
  item.key = r.get_text();
  const bool is_value = r.get_byte() != 0;
  item.from = flow::decode_origin(r);
  item.record = r.get_raw(r.remaining());
  if (!r.ok())
    throw flow::storage_failure("a record that an expansion holds cannot be read from its store");
  if (is_value) item.from.value = item.record;
  return item;
}

// -- expansion_queue ------------------------------------------------------------------------------

void expansion_queue::load() {
  stores_->scan(store_, {}, [this](std::string_view key, std::string_view value) {
    const auto id = byte_reader{key}.get_big_endian<std::uint64_t>();
    auto item = stored_item(id, value);
    (item.attempts == 0 ? waiting_ : parked_).push_back(std::move(item));
    next_id_ = id + 1;
    return true;
  });
}

void expansion_queue::save() {
  for (auto& item : waiting_) save(item);
}

void expansion_queue::save(expansion_item& item) {
  if (!std::exchange(item.is_stored, true)) put(item);
}

/// With a record of today's schema.
expansion_item expansion_queue::stored_item(std::uint64_t id, std::string_view stored) const {
  const auto number = flow::stored_values::number_of(stored);
  auto item = expansion_item::decode(id, stored.substr(1));
  byte_writer space;
  const std::string now{stores_->values_of(store_).convert(number, item.record, space)};
  if (item.from.value == item.record) item.from.value = now;
  item.record = now;
  return item;
}

void expansion_queue::put(const expansion_item& item) {
  out_->state.put(
      store_, [&](byte_writer& w) { w.put_raw(key_of(item.id)); },
      [&](byte_writer& w) {
        stores_->values_of(store_).put_number(w);
        w.put_raw(item.encode());
      });
}

void expansion_queue::push(expansion_item item) {
  item.id = next_id_++;
  waiting_.push_back(std::move(item));
  out_->has_unsaved_state = true;
}

expansion_item expansion_queue::pop_waiting() {
  auto item = std::move(waiting_.front());
  waiting_.pop_front();
  return item;
}

void expansion_queue::finish(const expansion_item& item) {
  const bool is_parked =
      std::any_of(parked_.begin(), parked_.end(), [&](const auto& p) { return p.id == item.id; });
  if (item.is_stored && !is_parked) out_->state.remove(store_, key_of(item.id));
}

void expansion_queue::park(expansion_item item) {
  item.is_stored = true;
  put(item);
  parked_.push_back(std::move(item));
}

std::optional<timestamp> expansion_queue::blocked_until(const expansion_item& item) const {
  const auto before = std::find_if(parked_.begin(), parked_.end(), [&](const auto& p) {
    return p.id < item.id && p.key == item.key;
  });
  if (before == parked_.end()) return {};
  return before->due;
}

std::optional<expansion_item> expansion_queue::pop_due(timestamp now) {
  const auto due = std::find_if(parked_.begin(), parked_.end(),
                                [&](const auto& p) { return p.due <= now && !blocked_until(p); });
  if (due == parked_.end()) return {};
  auto item = std::move(*due);
  parked_.erase(due);
  return item;
}

}  // namespace cloudflow::detail
