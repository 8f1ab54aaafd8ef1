#include "cloudflow/pubsub/simulated/internal/stores.hpp"

#include <fmt/format.h>

namespace cloudflow::pubsub::simulated {

result<void> stores::ensure(std::string_view owner, std::int32_t partitions) {
  const auto [at, is_new] = owners_.emplace(owner, partitions);
  if (is_new || at->second == partitions) return {};
  return error{errc::topic_mismatch, fmt::format("{} has state for {} partitions, wanted {}.",
                                                 owner, at->second, partitions)};
}

bool stores::restore(const process& by, const task_key& task, bool is_open) {
  const auto [at, is_new] = copies_.try_emplace({&by, task});
  auto& c = at->second;
  if (is_new) c.looks_left = dependencies_->up_to(dependencies_->now.longest_restore);
  if (c.is_restored) return true;
  if (c.looks_left > 0 && --c.looks_left > 0) return false;
  if (is_open) return false;
  c.state = committed_[task];
  return c.is_restored = true;
}

void stores::give_up(const process& by, const task_key& task) { copies_.erase({&by, task}); }

void stores::forget(const process& by) {
  std::erase_if(copies_, [&](const auto& each) { return each.first.first == &by; });
}

stores::copy* stores::copy_of(const process& by, const task_key& task) {
  const auto found = copies_.find({&by, task});
  return found == copies_.end() || !found->second.is_restored ? nullptr : &found->second;
}

void stores::apply(const process* heard_by, const task_key& task, std::string_view store,
                   const std::string& key, const std::optional<std::string>& value) {
  const auto apply_to = [&](task_state& state) {
    auto& of_store = state[std::string{store}];
    if (value)
      of_store[key] = *value;
    else
      of_store.erase(key);
  };
  apply_to(committed_[task]);
  if (heard_by == nullptr) return;
  if (auto* c = copy_of(*heard_by, task)) apply_to(c->state);
}

const stores::values* stores::seen(const process& by, std::string_view store,
                                   partition_id partition) {
  static const values none;
  const task_key task{owner_of(store), partition.value()};
  const task_state* state = nullptr;
  if (!owners_.contains(task.first)) {
    state = &committed_[task];
  } else if (const auto* c = copy_of(by, task)) {
    state = &c->state;
  } else {
    dependencies_->violations.push_back(
        fmt::format("store {} of partition {} is read before it is restored", store, task.second));
    return nullptr;
  }
  const auto found = state->find(store);
  return found == state->end() ? &none : &found->second;
}

}  // namespace cloudflow::pubsub::simulated
