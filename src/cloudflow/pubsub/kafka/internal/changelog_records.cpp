#include "cloudflow/pubsub/kafka/internal/changelog_records.hpp"

namespace cloudflow::pubsub::kafka {

void append(record_buffer& to, const changelog_entry& entry) {
  const auto write_key = [&](byte_writer& out) {
    out.put_text(entry.store);
    out.put_raw(entry.key);
  };
  if (entry.value) {
    to.append(true, write_key, [&](byte_writer& out) { out.put_raw(*entry.value); });
    return;
  }
  byte_writer key;
  write_key(key);
  to.append(key.view(), {});
}

std::optional<changelog_entry> read_entry(std::string_view key, std::string_view value) {
  byte_reader in{key};
  changelog_entry entry;
  entry.store = in.get_text();
  entry.key = in.get_raw(in.remaining());
  if (!in.ok() || entry.store.empty()) return {};
  if (value.data() != nullptr) entry.value = value;
  return entry;
}

std::string position_key(std::string_view group, std::string_view topic) {
  byte_writer out;
  out.put_text(group);
  out.put_text(topic);
  return std::string{out.view()};
}

std::string position_value(record_offset next, std::string_view topic_id) {
  byte_writer out;
  out.put_long(next.value());
  out.put_text(topic_id);
  return std::string{out.view()};
}

std::optional<written_position> read_position(std::string_view value) {
  byte_reader in{value};
  written_position found{record_offset{in.get_long()}, {}};
  if (in.remaining() != 0) found.topic_id = in.get_text();
  if (!in.complete()) return {};
  return found;
}

}  // namespace cloudflow::pubsub::kafka
