#include "cloudflow/flow/expand.hpp"

namespace cloudflow::detail {

std::string parked_record::encode() const {
  byte_writer w;
  w.put_long(attempts);
  w.put_long(due.time_since_epoch().count());
  w.put_text(key);
  w.put_long(offset.value());
  w.put_long(time.time_since_epoch().count());
  w.put_raw(record);
  return std::string{w.view()};
}

parked_record parked_record::decode(std::uint64_t id, std::string_view bytes) {
  byte_reader r{bytes};
  parked_record p;
  p.id = id;
  p.attempts = r.get_long();
  p.due = timestamp{std::chrono::milliseconds{r.get_long()}};
  p.key = r.get_text();
  p.offset = record_offset{r.get_long()};
  p.time = timestamp{std::chrono::milliseconds{r.get_long()}};
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
