#pragma once

#include "cloudflow/kube/access.hpp"
#include "cloudflow/kube/error.hpp"
#include "cloudflow/kube/object.hpp"
#include "cloudflow/kube/resource.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

namespace cloudflow::kube {

/// Which objects of a resource.
struct selection {
  std::string name_space{};  ///< empty: all of them
  std::string label_selector{}, field_selector{};
};

struct object_list {
  std::vector<object> items;     ///< with apiVersion and kind, which the API leaves out in lists
  std::string resource_version;  ///< from which a watch goes on
};

struct write_options {
  std::string field_manager{};  ///< who changes it; server-side apply needs one
  bool is_forced = false;       ///< of apply: take fields from other managers
  bool is_dry_run = false;      ///< checked and answered, not stored
  std::string subresource{};    ///< `status`: that part and nothing else
};

enum class propagation { background, foreground, orphan };

struct delete_options {
  /// `conflict` unless the object has them. Empty: whatever it has.
  std::string uid{}, resource_version{};
  std::optional<propagation> dependents{};  ///< none: what the resource does by itself
  std::optional<std::chrono::seconds> grace{};
};

enum class event_type { added, modified, deleted, bookmark };

/// A bookmark has nothing but a resource version, from which a watch may go on.
struct watch_event {
  event_type type;
  kube::object object;
};
enum class after_event { go_on, stop };
using event_receiver = std::function<after_event(watch_event)>;

struct watch_options {
  selection of{};
  std::string resource_version{};  ///< of the list, or of the last event
  /// After so long the server ends the watch, which is no error; at most half a minute more passes
  /// before a connection that is dead is given up.
  std::chrono::seconds longest{290};
};

struct log_options {
  std::string container{};  ///< empty: the only one
  bool is_followed = false;
  bool is_previous = false;  ///< of the container before its last restart
  bool has_timestamps = false;
  std::optional<int> last_lines{};  ///< none: all
  std::optional<std::chrono::seconds> since{};
};
using text_receiver = std::function<after_event(std::string_view piece)>;

/// The API of a Kubernetes cluster.
///
/// *Operation.* Calls block, for at most a minute unless they say otherwise. Nothing is tried
/// again, but what the server refused as unauthorized and a plugin has new credentials for:
/// is_retriable() and error::retry_after say when that makes sense.
///
/// *Concurrency.* Thread-safe; every call can be cancelled by its stop token from another thread,
/// within 100 ms.
///
/// *Limitations.* JSON only; no exec, attach or port-forward.
class client {
public:
  /// @throws std::bad_alloc
  explicit client(access how, std::string user_agent = "cloudflow");
  ~client();
  client(const client&) = delete;
  client& operator=(const client&) = delete;

  const access& how() const noexcept;

  // -- reading ---

  result<object> get(const resource& of, const object_key& key, const std::stop_token& stop = {});

  /// All of them, read in pages of 500. When the pages are too old before the last one has come,
  /// once more and in one piece.
  result<object_list> list(const resource& of, const selection& which,
                           const std::stop_token& stop = {});

  /// Gives each event, on this thread, until the server ends the watch (a success), `receive` says
  /// stop, or it fails: with `expired` when the version is too old, then list again.
  result<void> watch(const resource& of, const watch_options& how, const std::stop_token& stop,
                     const event_receiver& receive);

  /// The log of a pod as it comes, in pieces of any size, on this thread. Followed, it ends with
  /// the container.
  result<void> read_log(const object_key& pod, const log_options& how, const std::stop_token& stop,
                        const text_receiver& receive);

  // -- changing; each gives the object as it is now ---

  result<object> create(const resource& of, const object& wanted, const write_options& how = {},
                        const std::stop_token& stop = {});
  /// The whole object. `conflict` unless its resource version is the one that is stored.
  result<object> replace(const resource& of, const object& wanted, const write_options& how = {},
                         const std::stop_token& stop = {});
  /// Server-side apply: what is in `wanted` becomes so, and what this manager applied before and is
  /// not in it goes away. `conflict` when another manager has a field.
  result<object> apply(const resource& of, const object& wanted, const write_options& how,
                       const std::stop_token& stop = {});
  /// RFC 7386: what is null goes away.
  result<object> merge_patch(const resource& of, const object_key& key, const nlohmann::json& patch,
                             const write_options& how = {}, const std::stop_token& stop = {});
  /// It may go on being there until its finalizers are done.
  result<void> remove(const resource& of, const object_key& key, const delete_options& how = {},
                      const std::stop_token& stop = {});

private:
  class caller;
  std::unique_ptr<caller> caller_;
};

}  // namespace cloudflow::kube
