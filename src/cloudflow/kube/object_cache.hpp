#pragma once

#include "cloudflow/base/log.hpp"
#include "cloudflow/kube/back_off.hpp"
#include "cloudflow/kube/client.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace cloudflow::kube {

enum class change_type {
  added,
  updated,
  deleted,  ///< with its last known state
  synced,   ///< what was there at the beginning has been delivered; once, without an object
};

/// What has become of an object. The object is shared and immutable.
struct change {
  change_type type;
  object_key key;
  std::shared_ptr<const kube::object> object;
};

struct object_cache_options {
  selection of{};
  std::string thread_name = "kube-cache";
  std::chrono::milliseconds first_delay{500}, longest_delay{30'000};  ///< between two attempts
  std::chrono::seconds watch_for{290};                                ///< watch_options::longest
  unsigned seed = std::random_device{}();
};

/// The objects of a resource, as they are in the cluster a moment ago: listed, then watched, for as
/// long as this lives.
///
/// *Operation.* It lists, delivers what it finds and then `synced`, and watches from there. A watch
/// that ends is taken up from where it was; when that is too old, or it failed in a way that leaves
/// doubt, it lists again and delivers the difference. Between failures it waits, longer and longer,
/// and at least as long as the server wants. It does not give up: failure() says what is wrong.
/// Whoever decides by the state of the world needs the key of a change, and reads the cache.
///
/// *Concurrency.* Thread-safe. `changed` runs on the cache's own thread, one call at a time and
/// without a lock; it may read the cache, which has the change already. It
/// must neither destroy it nor throw.
///
/// *Limitations.* A change may hide earlier ones of the same object. Nothing is delivered again
/// without a change.
class object_cache {
public:
  using receiver = std::function<void(const change&)>;

  /// `api` outlives it.
  object_cache(client& api, resource of, object_cache_options how, logger log, receiver changed);
  /// Ends the watch and waits for a call of `changed` that runs.
  ~object_cache();
  object_cache(const object_cache&) = delete;
  object_cache& operator=(const object_cache&) = delete;

  /// None if it is not there; shared with the cache.
  std::shared_ptr<const object> find(const object_key& key) const;
  /// In the order of their keys.
  std::vector<std::shared_ptr<const object>> all() const;
  bool has_synced() const;
  /// Why the last attempt failed, if it did; nothing as soon as one succeeds.
  std::optional<error> failure() const;

private:
  using objects = std::map<object_key, std::shared_ptr<const object>>;

  void run(const std::stop_token& stop);
  result<void> list(const std::stop_token& stop);
  result<void> watch(const std::stop_token& stop);
  void replace_all(std::vector<object> found);
  void take(watch_event event);
  void put(std::shared_ptr<const object> now);
  void drop(const object_key& key, std::shared_ptr<const object> last);
  bool mark_synced();
  void note_success();
  void note_failure(const error& failure, const std::stop_token& stop, back_off& delays);

  client& api_;
  const resource of_;
  const object_cache_options how_;
  const logger log_;
  const receiver changed_;
  // Of the thread alone.
  std::string resource_version_;  // empty: to be listed
  bool has_had_event_ = false;    // this watch

  mutable std::mutex mutex_;  // guards what follows
  objects objects_;
  bool has_synced_ = false;
  std::optional<error> failure_;

  std::jthread thread_;  // ends first
};

}  // namespace cloudflow::kube
