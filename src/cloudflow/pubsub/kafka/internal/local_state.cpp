#include "cloudflow/pubsub/kafka/internal/local_state.hpp"

#include "cloudflow/pubsub/embedded/log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace cloudflow::pubsub::kafka {
namespace {

constexpr const char* log_name = "copies";
constexpr std::int64_t mark_version = 1;
constexpr std::size_t keys_per_commit = 10'000;

std::string encode(const copy_mark& mark) {
  byte_writer out;
  out.put_long(mark_version);
  out.put_text(mark.topic_id);
  out.put_long(mark.next.value());
  put_time(out, mark.touched);
  out.put_long(static_cast<std::int64_t>(mark.stores.size()));
  for (const auto& store : mark.stores) out.put_text(store);
  return std::string{out.view()};
}

/// None: written by another version; there is no copy then.
std::optional<copy_mark> decode(std::string_view bytes) {
  byte_reader in{bytes};
  if (in.get_long() != mark_version) return {};
  copy_mark mark;
  mark.topic_id = in.get_text();
  mark.next = record_offset{in.get_long()};
  mark.touched = get_time(in);
  for (auto left = in.get_long(); left > 0 && in.ok(); --left)
    mark.stores.emplace_back(in.get_text());
  if (!in.complete()) return {};
  return mark;
}

}  // namespace

void copy_mark::add_store(std::string_view name) {
  if (std::find(stores.rbegin(), stores.rend(), name) == stores.rend()) stores.emplace_back(name);
}

result<std::unique_ptr<local_state>> local_state::open(const std::filesystem::path& directory,
                                                       const clock& time) {
  std::error_code problem;
  std::filesystem::create_directories(directory, problem);
  if (problem)
    return error{errc::failed, fmt::format("The directory of the state, {}, cannot be made: {}",
                                           directory.string(), problem.message())};
  // A log is made in one step, by a rename. A directory that is there already, a mounted volume
  // perhaps, would count as a log that has lost its files.
  auto log = CLOUDFLOW_TRY(embedded::open(
      {.directory = directory / log_name, .sync_commits = false, .file_system = {}}, time));
  auto writer = CLOUDFLOW_TRY(log->open_producer({.transactional_id = "copies"}));
  return std::unique_ptr<local_state>{new local_state{std::move(log), std::move(writer)}};
}

local_state::local_state(std::unique_ptr<embedded::log> log, std::unique_ptr<producer> writer)
  : log_(std::move(log)), writer_(std::move(writer)) {}

local_state::~local_state() = default;

const state_reader& local_state::reader() const { return log_->state(); }

result<std::optional<copy_mark>> local_state::mark(const task_id& task) const {
  const auto bytes = CLOUDFLOW_TRY(reader().find(copies_store, task.partition, task.owner));
  if (!bytes) return std::optional<copy_mark>{};
  return decode(*bytes);
}

result<void> local_state::apply(std::span<const state_change> state,
                                std::span<const change> marks) {
  std::vector<std::string> encoded;
  encoded.reserve(marks.size());
  for (const auto& each : marks) encoded.push_back(encode(each.mark));
  transaction changes;
  changes.state.assign(state.begin(), state.end());
  for (std::size_t i = 0; i != marks.size(); ++i)
    changes.state.push_back(
        {copies_store, marks[i].task.partition, marks[i].task.owner, encoded[i]});
  const std::lock_guard lock{mutex_};
  return writer_->commit(changes);
}

result<void> local_state::wipe(const task_id& task) {
  const auto known = CLOUDFLOW_TRY(mark(task));
  if (!known) return {};
  for (const auto& store : known->stores) {
    std::vector<std::string> keys;
    do {
      keys.clear();
      auto scanned = reader().scan(store, task.partition, {}, [&](std::string_view key, auto) {
        keys.emplace_back(key);
        return keys.size() != keys_per_commit;
      });
      if (!scanned) return scanned;
      std::vector<state_change> removals;
      for (const auto& key : keys) removals.push_back({store, task.partition, key, std::nullopt});
      CLOUDFLOW_TRY(apply(removals, {}));
    } while (keys.size() == keys_per_commit);
  }
  const state_change no_mark{copies_store, task.partition, task.owner, std::nullopt};
  return apply({&no_mark, 1}, {});
}

}  // namespace cloudflow::pubsub::kafka
