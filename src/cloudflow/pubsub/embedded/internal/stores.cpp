#include "cloudflow/pubsub/embedded/internal/stores.hpp"

#include "cloudflow/pubsub/embedded/internal/keys.hpp"

#include <fmt/format.h>

namespace cloudflow::pubsub::embedded {
namespace {

constexpr std::size_t fingerprint_size = 32;

}  // namespace

result<void> embedded_schemas::put(std::string_view fingerprint, std::string_view text) {
  if (fingerprint.size() != fingerprint_size)
    return error{errc::unsupported,
                 fmt::format("The fingerprint of a schema has {} bytes; this one has {}.",
                             fingerprint_size, fingerprint.size())};
  const auto existing = CLOUDFLOW_TRY(disk_.get(family::schemas, fingerprint));
  if (existing) return {};
  if (options_.read_only) return error{errc::unsupported, "The log is open for reading only."};
  write_set changes;
  changes.put(family::schemas, fingerprint, text);
  return log_.write_alone(changes);
}

result<std::optional<std::string>> embedded_schemas::find(
    std::string_view fingerprint_prefix) const {
  std::optional<std::string> found;
  CLOUDFLOW_TRY(disk_.scan(family::schemas, fingerprint_prefix,
                           [&](std::string_view key, std::string_view text) {
                             if (key.starts_with(fingerprint_prefix)) found = text;
                             return false;
                           }));
  return found;
}

result<std::optional<std::string>> embedded_state::find(std::string_view store,
                                                        partition_id partition,
                                                        std::string_view key) const {
  byte_writer full;
  put_state_key(full, store, partition, key);
  return disk_.get(family::state, full.view());
}

result<void> embedded_state::scan(
    std::string_view store, partition_id partition, std::string_view prefix,
    const std::function<bool(std::string_view key, std::string_view value)>& f) const {
  byte_writer from;
  put_state_key(from, store, partition, {});
  const auto skipped = from.size();
  from.put_raw(prefix);
  return disk_.scan(family::state, from.view(), [&](std::string_view key, std::string_view value) {
    return key.starts_with(from.view()) && f(key.substr(skipped), value);
  });
}

}  // namespace cloudflow::pubsub::embedded
