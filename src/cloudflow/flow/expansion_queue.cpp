#include "cloudflow/flow/expansion_queue.hpp"

#include "cloudflow/schema/derived_codec.hpp"

#include <utility>

namespace cloudflow::detail {

namespace {

constexpr std::uint8_t value_flag = 1, parked_flag = 2;

std::string entry_of(std::uint64_t id) {
  byte_writer w;
  w.put_raw("i");
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
  put_time(w, time);
  w.put_text(key);
  w.put_byte(
      static_cast<std::uint8_t>((is_value ? value_flag : 0) | (is_parked ? parked_flag : 0)));
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
  item.time = get_time(r);
  item.key = r.get_text();
  const auto flags = r.get_byte();
  item.is_parked = (flags & parked_flag) != 0;
  item.from = flow::decode_origin(r);
  item.record = r.get_raw(r.remaining());
  if (!r.ok())
    throw stores::storage_failure("a record that an expansion holds cannot be read from its store");
  if ((flags & value_flag) != 0) item.from.value = item.record;
  return item;
}

// -- expansion_queue ------------------------------------------------------------------------------

void expansion_queue::load() {
  stores_->scan(store_, "i", [this](std::string_view entry, std::string_view value) {
    const auto id = byte_reader{entry.substr(1)}.get_big_endian<std::uint64_t>();
    auto item = stored_item(id, value);
    next_id_ = id + 1;
    if (item.is_parked) {
      lines_[item.key].push_back(id);
      parked_[id].item = std::move(item);
    } else {
      waiting_.push_back(std::move(item));
    }
    return true;
  });
  due_.load([this](timestamp due, std::string_view key) -> parked_item* {
    const auto found = parked_.find(static_cast<std::uint64_t>(decoded<std::int64_t>(key)));
    if (found == parked_.end()) return nullptr;
    found->second.due = due;
    return &found->second;
  });
  // One that was being tried again when the process ended.
  for (const auto& [key, line] : lines_)
    if (auto& first = parked_.at(line.front()); !first.timer.is_set) due_.set(first.due, first);
}

void expansion_queue::save() {
  for (auto& item : waiting_) save(item);
}

void expansion_queue::save(expansion_item& item) {
  if (!std::exchange(item.is_stored, true)) put(item);
}

/// With a record of today's schema.
expansion_item expansion_queue::stored_item(std::uint64_t id, std::string_view stored) const {
  const auto number = stores::stored_values::number_of(stored);
  auto item = expansion_item::decode(id, stored.substr(1));
  byte_writer space;
  const std::string now{stores_->values_of(store_).convert(number, item.record, space)};
  if (item.from.value == item.record) item.from.value = now;
  item.record = now;
  return item;
}

void expansion_queue::put(const expansion_item& item) {
  out_->put(
      store_, [&](byte_writer& w) { w.put_raw(entry_of(item.id)); },
      [&](byte_writer& w) {
        stores_->values_of(store_).put_number(w);
        w.put_raw(item.encode());
      });
}

void expansion_queue::push(expansion_item item) {
  item.id = next_id_++;
  waiting_.push_back(std::move(item));
  out_->expect_save();
}

expansion_item expansion_queue::pop_waiting() {
  auto item = std::move(waiting_.front());
  waiting_.pop_front();
  return item;
}

void expansion_queue::finish(const expansion_item& item) {
  if (parked_.contains(item.id)) return;
  if (item.is_stored) out_->remove(store_, entry_of(item.id));
  const auto line = lines_.find(item.key);
  if (line == lines_.end() || line->second.front() != item.id) return;
  line->second.pop_front();
  if (line->second.empty())
    lines_.erase(line);
  else
    set_timer(parked_.at(line->second.front()), timestamp{});
}

void expansion_queue::park(const expansion_item& item, timestamp due) {
  auto& parked = parked_[item.id];
  parked.item = item;
  parked.item.is_parked = parked.item.is_stored = true;
  put(parked.item);
  auto& line = lines_[item.key];
  if (line.empty() || line.front() != item.id) line.push_back(item.id);
  if (line.front() == item.id) set_timer(parked, due);
}

/// In the changes at once: a parked record is not saved again.
void expansion_queue::set_timer(parked_item& parked, timestamp due) {
  parked.due = due;
  due_.set(due, parked);
  due_.save(due, parked);
}

bool expansion_queue::is_behind_another(const expansion_item& item) const {
  const auto line = lines_.find(item.key);
  return line != lines_.end() && line->second.front() != item.id;
}

std::optional<expansion_item> expansion_queue::pop_due(timestamp now) {
  auto* due = due_.pop(now);
  if (due == nullptr) return {};
  due_.save(due->due, *due);
  const auto found = parked_.find(due->item.id);
  auto item = std::move(found->second.item);
  parked_.erase(found);
  return item;
}

}  // namespace cloudflow::detail
