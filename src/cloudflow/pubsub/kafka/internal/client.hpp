/// Connections to one cluster: what all clients of a session share, and one client.
#pragma once

#include "cloudflow/base/log.hpp"
#include "cloudflow/pubsub/error.hpp"
#include "cloudflow/pubsub/kafka/cluster.hpp"
#include "cloudflow/pubsub/kafka/internal/failure.hpp"
#include "cloudflow/pubsub/kafka/internal/handles.hpp"

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace cloudflow::pubsub::kafka {

class client;
class connection;

/// Ends a client: on a thread of its own, which is left behind when that takes longer than
/// call_limits says. Whoever destroys one never waits for ever.
struct client_ender {
  void operator()(client* ended) const noexcept;

  std::shared_ptr<connection> session;  ///< which the client needs to its end
};
using owned_client = std::unique_ptr<client, client_ender>;

using property_map = std::map<std::string, std::string>;

/// What a client is for: says which properties of the session it gets.
enum class client_role { admin, consumer, producer };

struct client_spec {
  client_role role = client_role::admin;
  /// For log lines: `consumer of app.stats.in`.
  std::string name;
  /// Properties of librdkafka, each group over the one before: ours as defaults; those of the
  /// session (connection, then producer or consumer); the user's for this client alone, by their
  /// names in librdkafka or in Java; and what has to be as it is. A user who sets one of `required`
  /// otherwise is told so, once.
  property_map defaults = {}, properties = {}, required = {};
  /// Whose properties nobody wants to choose: what is required is not worth a warning.
  bool is_internal = false;
  /// Sets callbacks and events. The opaque pointer, the log and the error callback are taken; see
  /// client::owner().
  std::function<void(rd_kafka_conf_t*)> configure = {};
  /// What client::owner_of() gives to callbacks.
  void* owner = nullptr;
  /// Called, from a thread of the session, when is_outdated() becomes true. Must not block.
  std::function<void()> on_outdated = {};
};

/// One rd_kafka_t.
///
/// Lifecycle: made by connection::open_client; client_ender keeps the connection. Ending it waits
/// for librdkafka's threads, but not for ever, and neither leaves a group
/// (`rd_kafka_consumer_close` does) nor delivers what is queued.
///
/// Concurrency: thread-safe, as librdkafka is.
class client {
public:
  client(connection& session, std::string name, void* owner, std::function<void()> on_outdated);
  client(const client&) = delete;
  client& operator=(const client&) = delete;
  ~client();

  rd_kafka_t* get() const noexcept { return handle_.get(); }
  /// The `owner` of the spec, from the opaque pointer that a callback gets; null after hang().
  static void* owner_of(void* opaque) noexcept {
    const auto& of = *static_cast<client*>(opaque);
    return of.is_silent_.load(std::memory_order_relaxed) ? nullptr : of.owner_;
  }

  /// Certificates have changed in a way that only a new handle takes up. The owner ends what it is
  /// doing, then opens another client in place of this one. (Passwords and tokens are given to live
  /// handles.)
  bool is_outdated() const noexcept;

  /// Waits until a broker can be asked something; a second at most. librdkafka (2.14) begins with
  /// two connections, one after the other; whatever it wants to ask while there is neither, it
  /// tries again half a second later.
  void connect() const;

  /// For whoever serves a queue by rd_kafka_queue_poll: takes note of an event of type ERROR, logs
  /// one of type LOG. Other events are left alone.
  void heard(rd_kafka_event_t* event);

  /// What failed, with the cluster's name and, where the broker cannot be reached, the reason that
  /// was heard last. `doing`: `cannot commit for group "g"`.
  pubsub::error fail(std::string_view doing, const failure& what) const;
  pubsub::error fail(std::string_view doing, rd_kafka_resp_err_t code) const {
    return fail(doing, failure_of(code));
  }
  /// Takes the error; it is not null.
  pubsub::error fail(std::string_view doing, error_handle what) const {
    return fail(doing, failure_of(what.get()));
  }

  const connection& session() const noexcept { return session_; }
  /// Nobody wants to hear of it any more: it ends, or has been abandoned. Thread-safe.
  void hang() const;

  /// Why this handle is of no use any more: the first error that librdkafka calls fatal; none: it
  /// is.
  std::optional<failure> fatal_failure() const;

private:
  friend class connection;
  struct stopper {
    void operator()(rd_kafka_t* rk) const noexcept;
  };

  connection& session_;
  const std::string name_;
  void* const owner_;
  const std::function<void()> on_outdated_;
  mutable std::atomic<bool> is_silent_ = false;
  std::uint64_t generation_ = 0;  ///< of the certificates that it was opened with
  std::unique_ptr<rd_kafka_t, stopper> handle_;
};

}  // namespace cloudflow::pubsub::kafka
