#include "cloudflow/pubsub/kafka/internal/changelog.hpp"

#include "cloudflow/base/named_thread.hpp"
#include "cloudflow/pubsub/kafka/internal/connection.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace cloudflow::pubsub::kafka {
namespace {

constexpr int restoring_threads = 2;

error not_here(std::string_view owner, partition_id partition) {
  return {errc::rebalanced,
          fmt::format("The state of {}, partition {}, is not here.", owner, partition.value())};
}

/// What was written, as changes of the copy.
std::vector<state_change> changes_of(const changelog_part& written, copy_mark& mark) {
  const auto& records = *written.records;
  std::vector<state_change> changes;
  changes.reserve(records.size());
  for (const auto& record : records.entries()) {
    const auto value = record.value_size == 0 ? std::string_view{""} : records.value(record);
    const auto entry = read_entry(records.key(record), value);
    mark.add_store(entry->store);
    changes.push_back({entry->store, written.task.partition, entry->key, entry->value});
  }
  return changes;
}

}  // namespace

changelog::changelog(std::shared_ptr<connection> session, const admin& requests,
                     const reader& records, catalog& known)
  : session_(std::move(session)), requests_(requests), records_(records), catalog_(known) {}

changelog::~changelog() {
  {
    const std::lock_guard lock{mutex_};
    for (auto& [id, one] : tasks_) one.stop.request_stop();
  }
  threads_.clear();
}

std::string changelog::topic_of(std::string_view owner) const {
  return durable_names{session_->wanted().application}.changelog_topic(owner);
}

/// Empty: the group is none of a streamlet's.
std::string_view changelog::owner_of_group(std::string_view group) const {
  return durable_names{session_->wanted().application}.streamlet_of_group(group);
}

/// Opened when it is needed first: a session without state has no copies.
result<local_state*> changelog::local() {
  const std::lock_guard lock{mutex_};
  if (local_) return local_.get();
  const auto& directory = session_->wanted().state_directory;
  if (directory.empty())
    return error{errc::unsupported,
                 session_->where() + ": this session has no directory for state"};
  local_ = CLOUDFLOW_TRY(local_state::open(directory, session_->time()));
  return local_.get();
}

// -- tasks come and go ----------------------------------------------------------------------------

result<void> changelog::ensure(std::string_view owner, std::int32_t partitions) {
  CLOUDFLOW_TRY(local());
  const topic_spec wanted{.name = topic_of(owner),
                          .partitions = partitions,
                          .properties = {{"cleanup.policy", "compact"}},
                          .base_schema = {},
                          .replication = session_->wanted().replication};
  auto found = requests_.describe(wanted.name);
  const auto is_missing = [&] { return !found && found.error().code == errc::topic_not_found; };
  if (is_missing() && has_stores(owner)) {
    // Another process may have made it since: stores are written down after their changelog.
    found = requests_.describe(wanted.name);
    if (is_missing()) return lost(owner, wanted);
  }
  if (!found && !is_missing()) return std::move(found).error();
  if (!found || !found->is_ready) {
    CLOUDFLOW_TRY(requests_.create(wanted));
    found = requests_.describe(wanted.name);
    if (!found) return std::move(found).error();
  }
  if (found->partitions == partitions) return {};
  return error{errc::topic_mismatch,
               fmt::format("{}: {} has state for {} partitions, but {} are wanted. Keys would not "
                           "find their state: reset it, or keep the number of partitions.",
                           session_->where(), owner, found->partitions, partitions)};
}

/// Results would be wrong: what its groups have read would be in no state.
error changelog::lost(std::string_view owner, const topic_spec& topic) const {
  return {
      errc::topic_mismatch,
      fmt::format("{}: the changelog {} is gone, which kept the state of {}: what has been read "
                  "and was only there is lost. Bring the topic back if you can. To go on with "
                  "empty state, make it anew, with {} partitions and cleanup.policy=compact; "
                  "to compute it again from the beginning, `replay` after that.",
                  session_->where(), topic.name, owner, topic.partitions)};
}

/// As far as it is known.
bool changelog::has_stores(std::string_view owner) const {
  const auto known = catalog_.all(catalog_key(registry_store, std::string{owner} + "."));
  return known && std::any_of(known->begin(), known->end(),
                              [](const auto& entry) { return !entry.second.empty(); });
}

result<bool> changelog::restore(std::string_view owner, partition_id partition,
                                const std::function<void()>& on_ready) {
  CLOUDFLOW_TRY(local());
  const std::lock_guard lock{mutex_};
  const task_id id{std::string{owner}, partition};
  auto& one = tasks_[id];
  if (one.at == phase::here) return true;
  one.on_ready = on_ready;
  if (one.at == phase::failed) {
    one.at = phase::absent;
    return one.problem;
  }
  if (one.at == phase::waiting) return false;
  one.at = phase::waiting;
  one.stop = {};
  queue_.push_back(id);
  if (threads_.empty())
    for (int i = 0; i != restoring_threads; ++i)
      threads_.push_back(
          named_thread("kafka restore", [this](const std::stop_token& stop) { work(stop); }));
  has_work_.notify_one();
  return false;
}

void changelog::give_up(std::string_view owner, partition_id partition) {
  const std::lock_guard lock{mutex_};
  const auto at = tasks_.find(earlier::view{owner, partition});
  if (at == tasks_.end()) return;
  at->second.at = phase::absent;
  at->second.stop.request_stop();
}

void changelog::work(const std::stop_token& stop) {
  while (true) {
    task_id id;
    {
      std::unique_lock lock{mutex_};
      if (!has_work_.wait(lock, stop, [this] { return !queue_.empty(); })) return;
      id = std::move(queue_.front());
      queue_.pop_front();
    }
    if (stop.stop_requested()) return;
    bring_next(id);
  }
}

void changelog::bring_next(const task_id& id) {
  std::stop_token stop;
  {
    const std::lock_guard lock{mutex_};
    stop = tasks_[id].stop.get_token();
  }
  std::function<void()> on_ready;
  {
    // Until it is known to be here: nobody else reads it anew after that.
    const auto changing = changing_of(id);
    const std::lock_guard no_other_change{*changing};
    auto brought = bring(id, stop);
    const std::lock_guard lock{mutex_};
    auto& one = tasks_[id];
    // Given up meanwhile, and perhaps wanted again: then it is in the queue again.
    if (one.at != phase::waiting || stop.stop_requested()) return;
    one.at = brought ? phase::here : phase::failed;
    if (brought)
      one.mark = std::move(brought).value();
    else
      one.problem = std::move(brought).error();
    on_ready = one.on_ready;
  }
  if (on_ready) on_ready();
}

std::shared_ptr<std::mutex> changelog::changing_of(const task_id& id) {
  const std::lock_guard lock{mutex_};
  return tasks_[id].changing;
}

/// For who holds changing_of() the task.
result<copy_mark> changelog::bring(const task_id& id, const std::stop_token& stop) {
  auto copies = CLOUDFLOW_TRY(local());
  return copier{*session_, requests_, records_, *copies}.bring(id, topic_of(id.owner), stop);
}

bool changelog::is_here(std::string_view owner, partition_id partition) const {
  const auto at = tasks_.find(earlier::view{owner, partition});
  return at != tasks_.end() && at->second.at == phase::here;
}

// -- reading --------------------------------------------------------------------------------------

result<std::optional<std::string>> changelog::find(std::string_view store, partition_id partition,
                                                   std::string_view key) const {
  if (belongs_to_no_task(store)) {
    auto found = catalog_.find(catalog_key(store, key));
    if (found && *found && (*found)->empty()) return std::optional<std::string>{};
    return found;
  }
  const std::shared_lock lock{mutex_};
  if (!is_here(owner_of(store), partition)) return not_here(owner_of(store), partition);
  return local_->reader().find(store, partition, key);
}

result<void> changelog::scan(
    std::string_view store, partition_id partition, std::string_view prefix,
    const std::function<bool(std::string_view key, std::string_view value)>& f) const {
  if (belongs_to_no_task(store)) {
    const auto found = CLOUDFLOW_TRY(catalog_.all(catalog_key(store, prefix)));
    const auto prefix_size = catalog_key(store, {}).size();
    for (const auto& [key, value] : found)
      if (!value.empty() && !f(std::string_view{key}.substr(prefix_size), value)) break;
    return {};
  }
  const state_reader* copies = nullptr;
  {
    const std::shared_lock lock{mutex_};
    if (!is_here(owner_of(store), partition)) return not_here(owner_of(store), partition);
    copies = &local_->reader();
  }
  return copies->scan(store, partition, prefix, f);
}

// -- writing --------------------------------------------------------------------------------------

result<std::vector<changelog_part>> changelog::encode(const transaction& changes) {
  for (const auto& change : changes.state)
    if (belongs_to_no_task(change.store)) CLOUDFLOW_TRY(store_in_catalog(change));
  CLOUDFLOW_TRY(learn_ids_of(changes.positions));
  std::vector<changelog_part> parts;
  const std::shared_lock lock{mutex_};
  for (const auto& change : changes.state) {
    if (belongs_to_no_task(change.store)) continue;
    const auto part = CLOUDFLOW_TRY(part_of(parts, owner_of(change.store), change.partition));
    append(*part->records, {change.store, change.key, change.value});
  }
  CLOUDFLOW_TRY(add_positions(changes.positions, parts));
  return parts;
}

result<changelog_part*> changelog::part_of(std::vector<changelog_part>& parts,
                                           std::string_view owner, partition_id partition) const {
  // Changes come task by task.
  const auto is_it = [&](const changelog_part& part) {
    return part.task.partition == partition && part.task.owner == owner;
  };
  if (const auto at = std::find_if(parts.rbegin(), parts.rend(), is_it); at != parts.rend())
    return &*at;
  if (!is_here(owner, partition)) return not_here(owner, partition);
  return &parts.emplace_back(changelog_part{{std::string{owner}, partition}, topic_of(owner)});
}

void changelog::apply(const std::vector<changelog_part>& written) {
  for (const auto& part : written) apply_one(part);
}

/// A task that was given up meanwhile is left alone: its copy is behind, and will be read from the
/// changelog.
void changelog::apply_one(const changelog_part& written) {
  std::shared_ptr<std::mutex> changing;
  {
    const std::shared_lock lock{mutex_};
    if (!is_here(written.task.owner, written.task.partition)) return;
    changing = tasks_.find(written.task)->second.changing;
  }
  const std::lock_guard no_other_change{*changing};
  copy_mark mark;
  {
    const std::shared_lock lock{mutex_};
    if (!is_here(written.task.owner, written.task.partition)) return;
    mark = tasks_.find(written.task)->second.mark;
  }
  const auto changes = changes_of(written, mark);
  mark.next = record_offset{written.last_offset + 1};
  mark.touched = session_->time().now();
  const local_state::change change{written.task, mark};
  const auto done = local_->apply(changes, {&change, 1});
  const std::lock_guard lock{mutex_};
  auto& one = tasks_.find(written.task)->second;
  if (done) {
    one.mark = std::move(mark);
    return;
  }
  session_->log().error("{}: the copy of its state cannot be changed: {}", written.task.owner,
                        done.error().message);
  one.at = phase::failed;
  one.problem = done.error();
}

// -- what belongs to no task ----------------------------------------------------------------------

std::string changelog::catalog_key(std::string_view store, std::string_view key) const {
  return fmt::format("{}/{}/{}", store.substr(1), session_->wanted().application, key);
}

/// The catalog removes nothing: an empty value stands for none.
result<void> changelog::store_in_catalog(const state_change& change) {
  return catalog_.put(catalog_key(change.store, change.key),
                      std::string{change.value.value_or("")});
}

}  // namespace cloudflow::pubsub::kafka
