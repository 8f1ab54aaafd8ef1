#include "cloudflow/application/store_registry.hpp"

#include "cloudflow/base/bytes.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace cloudflow::app {
namespace {

constexpr std::int64_t record_version = 2;  // 1: values had no number of a schema in front
constexpr std::size_t most_schemas = 256;   // a number is a byte
// Keys removed with one transaction.
constexpr std::size_t keys_per_commit = 10'000;

std::string encode(const registered_store& store) {
  byte_writer out;
  out.put_long(record_version);
  out.put_text(store.spec.key_schema);
  out.put_text(store.spec.window);
  out.put_long(store.spec.partitions);
  out.put_long(static_cast<std::int64_t>(store.current));
  out.put_long(static_cast<std::int64_t>(store.value_schemas.size()));
  for (const auto& schema : store.value_schemas) out.put_text(schema);
  return std::string{out.view()};
}

result<registered_store> decode(std::string_view name, std::string_view bytes) {
  byte_reader in{bytes};
  const auto version = in.get_long();
  if (in.ok() && version < record_version)
    return error{
        fmt::format("State store {}: it was written by an older program, in a way that is not read "
                    "any more. Use the program that wrote it, or forget the state (run --fresh "
                    "forgets everything).",
                    name)};
  registered_store store;
  store.spec.name = name;
  store.spec.key_schema = in.get_text();
  store.spec.window = in.get_text();
  store.spec.partitions = static_cast<std::int32_t>(in.get_long());
  store.current = static_cast<std::size_t>(in.get_long());
  for (auto left = in.get_long(); left > 0 && in.ok(); --left)
    store.value_schemas.emplace_back(in.get_text());
  if (version != record_version || !in.complete() || store.current >= store.value_schemas.size())
    return error{
        fmt::format("State store {}: what is recorded about it is not understood. It was "
                    "written by a newer program: use that one, or reset the state.",
                    name)};
  store.spec.value_schema = store.value_schemas[store.current];
  return store;
}

error from_log(std::string_view name, const pubsub::error& cause) {
  return within(fmt::format("State store {}", name), pubsub::plain(cause));
}

std::string text_or_none(std::string_view text) {
  return text.empty() ? "none" : fmt::format("\"{}\"", text);
}

void add_difference(std::string& text, std::string_view what, std::string_view recorded,
                    std::string_view wanted) {
  if (recorded != wanted)
    text += fmt::format("\n  {}: recorded {}, wanted {}", what, recorded, wanted);
}

/// Everything that keeps the recorded state from being used; empty when nothing does.
std::string differences(const registered_store& recorded, const store_spec& wanted,
                        const can_read& check) {
  std::string text;
  const auto& spec = recorded.spec;
  add_difference(text, "key schema", text_or_none(spec.key_schema),
                 text_or_none(wanted.key_schema));
  add_difference(text, "window", text_or_none(spec.window), text_or_none(wanted.window));
  add_difference(text, "partitions", std::to_string(spec.partitions),
                 std::to_string(wanted.partitions));
  for (const auto& writer : recorded.value_schemas) {
    if (writer == wanted.value_schema) continue;
    if (const auto readable = check(writer, wanted.value_schema); !readable) {
      add_difference(text, "value schema", text_or_none(writer), text_or_none(wanted.value_schema));
      text += fmt::format("\n    {}", readable.error().message);
    }
  }
  return text;
}

result<void> record(pubsub::producer& writer, const registered_store& store) {
  const auto bytes = encode(store);
  pubsub::transaction changes;
  changes.state.push_back({pubsub::registry_store, partition_id{0}, store.spec.name, bytes});
  if (const auto done = writer.commit(changes); !done)
    return from_log(store.spec.name, done.error());
  return {};
}

/// The first keys of a partition of the store.
result<std::vector<std::string>> some_keys(const pubsub::backend& log, std::string_view name,
                                           partition_id partition) {
  std::vector<std::string> keys;
  const auto scanned = log.state().scan(name, partition, {}, [&](std::string_view key, auto) {
    keys.emplace_back(key);
    return keys.size() != keys_per_commit;
  });
  if (!scanned) return from_log(name, scanned.error());
  return keys;
}

result<void> clear_partition(const pubsub::backend& log, pubsub::producer& writer,
                             std::string_view name, partition_id partition) {
  while (true) {
    const auto keys = CLOUDFLOW_TRY(some_keys(log, name, partition));
    if (keys.empty()) return {};
    pubsub::transaction changes;
    for (const auto& key : keys) changes.state.push_back({name, partition, key, std::nullopt});
    if (const auto done = writer.commit(changes); !done) return from_log(name, done.error());
  }
}

}  // namespace

result<std::optional<registered_store>> find_store(const pubsub::backend& log,
                                                   std::string_view name) {
  const auto bytes = log.state().find(pubsub::registry_store, partition_id{0}, name);
  if (!bytes) return from_log(name, bytes.error());
  if (!bytes->has_value()) return std::optional<registered_store>{};
  auto store = CLOUDFLOW_TRY(decode(name, **bytes));
  return std::optional{std::move(store)};
}

result<registered_store> open_store(const pubsub::backend& log, pubsub::producer& writer,
                                    const store_spec& wanted, const can_read& check) {
  const auto found = CLOUDFLOW_TRY(find_store(log, wanted.name));
  if (!found) {
    registered_store made{.spec = wanted, .value_schemas = {wanted.value_schema}};
    CLOUDFLOW_TRY(record(writer, made));
    return made;
  }
  auto store = *found;
  if (store.spec == wanted) return store;
  if (const auto text = differences(store, wanted, check); !text.empty())
    return error{
        fmt::format("State store {} holds something else than is wanted:{}\n  Reset its "
                    "state (run --fresh forgets everything), or give the new state another name.",
                    wanted.name, text)};
  auto& schemas = store.value_schemas;
  const auto known = std::find(schemas.begin(), schemas.end(), wanted.value_schema);
  store.current = static_cast<std::size_t>(known - schemas.begin());
  if (known == schemas.end() && schemas.size() == most_schemas)
    return error{
        fmt::format("State store {} has known {} schemas of its values, and takes no more: "
                    "give the new state another name.",
                    wanted.name, most_schemas)};
  if (known == schemas.end()) schemas.push_back(wanted.value_schema);
  store.spec = wanted;
  CLOUDFLOW_TRY(record(writer, store));
  return store;
}

result<void> reset_store(const pubsub::backend& log, pubsub::producer& writer,
                         std::string_view name, std::int32_t partitions) {
  const auto bytes = log.state().find(pubsub::registry_store, partition_id{0}, name);
  if (!bytes) return from_log(name, bytes.error());
  // What is not understood is forgotten as well: its error sends people here.
  if (const auto known = decode(name, bytes->value_or("")))
    partitions = std::max(partitions, known->spec.partitions);
  for (std::int32_t i = 0; i != partitions; ++i)
    CLOUDFLOW_TRY(clear_partition(log, writer, name, partition_id{i}));
  if (!bytes->has_value()) return {};
  pubsub::transaction changes;
  changes.state.push_back({pubsub::registry_store, partition_id{0}, name, std::nullopt});
  if (const auto done = writer.commit(changes); !done) return from_log(name, done.error());
  return {};
}

}  // namespace cloudflow::app
