#include "cloudflow/kube/object_cache.hpp"

#include "cloudflow/base/named_thread.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace cloudflow::kube {

object_cache::object_cache(client& api, resource of, object_cache_options how, logger log,
                           receiver changed)
  : api_(api),
    of_(std::move(of)),
    how_(std::move(how)),
    log_(std::move(log)),
    changed_(std::move(changed)),
    thread_(named_thread(how_.thread_name, [this](const std::stop_token& stop) { run(stop); })) {}

object_cache::~object_cache() = default;

std::shared_ptr<const object> object_cache::find(const object_key& key) const {
  const std::lock_guard lock{mutex_};
  const auto found = objects_.find(key);
  return found == objects_.end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<const object>> object_cache::all() const {
  const std::lock_guard lock{mutex_};
  std::vector<std::shared_ptr<const object>> list;
  list.reserve(objects_.size());
  for (const auto& [key, one] : objects_) list.push_back(one);
  return list;
}

bool object_cache::has_synced() const {
  const std::lock_guard lock{mutex_};
  return has_synced_;
}

std::optional<error> object_cache::failure() const {
  const std::lock_guard lock{mutex_};
  return failure_;
}

void object_cache::run(const std::stop_token& stop) {
  back_off delays{how_.first_delay, how_.longest_delay, how_.seed};
  while (!stop.stop_requested()) {
    if (resource_version_.empty()) {
      const auto listed = list(stop);
      if (!listed) note_failure(listed.error(), stop, delays);
      continue;
    }
    const auto begun = std::chrono::steady_clock::now();
    const auto watched = watch(stop);
    if (std::exchange(has_had_event_, false)) delays.after_success();
    const bool is_too_old = !watched && watched.error().code == errc::expired;
    if (is_too_old) resource_version_.clear();
    if (!watched && !is_too_old) {
      note_failure(watched.error(), stop, delays);
    } else if (std::chrono::steady_clock::now() - begun < how_.first_delay) {
      wait_for(delays.after_failure(), stop);  // who ends each watch at once is not asked at once
    }
  }
}

/// Whether it is for the first time.
bool object_cache::mark_synced() {
  const std::lock_guard lock{mutex_};
  return !std::exchange(has_synced_, true);
}

void object_cache::note_success() {
  const std::lock_guard lock{mutex_};
  failure_.reset();
}

void object_cache::note_failure(const error& failure, const std::stop_token& stop,
                                back_off& delays) {
  if (stop.stop_requested()) return;
  // What the server does not know any more, or refuses, is to be asked from the beginning.
  if (!failure.is_retriable()) resource_version_.clear();
  {
    const std::lock_guard lock{mutex_};
    failure_ = failure;
  }
  auto delay = delays.after_failure();
  if (failure.retry_after) delay = std::max<std::chrono::milliseconds>(delay, *failure.retry_after);
  log_.warn("{}; trying again in {} ms", failure.message, delay.count());
  wait_for(delay, stop);
}

result<void> object_cache::list(const std::stop_token& stop) {
  auto found = CLOUDFLOW_TRY(api_.list(of_, how_.of, stop));
  note_success();
  replace_all(std::move(found.items));
  resource_version_ = std::move(found.resource_version);
  if (mark_synced()) changed_({change_type::synced, {}, nullptr});
  return {};
}

result<void> object_cache::watch(const std::stop_token& stop) {
  return api_.watch(
      of_, {.of = how_.of, .resource_version = resource_version_, .longest = how_.watch_for}, stop,
      [&](watch_event event) {
        has_had_event_ = true;
        note_success();
        take(std::move(event));
        return after_event::go_on;
      });
}

void object_cache::replace_all(std::vector<object> found) {
  std::set<object_key> present;
  for (auto& one : found) {
    present.insert(one.key());
    put(std::make_shared<const object>(std::move(one)));
  }
  for (const auto& one : all())
    if (!present.contains(one->key())) drop(one->key(), one);
}

void object_cache::take(watch_event event) {
  resource_version_ = event.object.resource_version();
  auto now = std::make_shared<const object>(std::move(event.object));
  switch (event.type) {
    case event_type::added:
    case event_type::modified: return put(std::move(now));
    case event_type::deleted: return drop(now->key(), now);
    case event_type::bookmark: return;
  }
}

void object_cache::put(std::shared_ptr<const object> now) {
  const auto key = now->key();
  bool is_new = false;
  {
    const std::lock_guard lock{mutex_};
    auto& held = objects_[key];
    is_new = held == nullptr;
    if (!is_new && held->resource_version() == now->resource_version()) return;
    held = now;
  }
  changed_({is_new ? change_type::added : change_type::updated, key, std::move(now)});
}

void object_cache::drop(const object_key& key, std::shared_ptr<const object> last) {
  {
    const std::lock_guard lock{mutex_};
    if (objects_.erase(key) == 0) return;
  }
  changed_({change_type::deleted, key, std::move(last)});
}

}  // namespace cloudflow::kube
