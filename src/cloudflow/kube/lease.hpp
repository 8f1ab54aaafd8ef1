#pragma once

#include "cloudflow/base/log.hpp"
#include "cloudflow/base/time.hpp"
#include "cloudflow/kube/client.hpp"

#include <chrono>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>

namespace cloudflow::kube {

struct lease_options {
  object_key key;        ///< of the Lease
  std::string identity;  ///< of this process, unlike that of any other: the pod's name
  /// A holder that has not renewed for so long has lost it. Whole seconds.
  std::chrono::seconds duration{15};
};

/// A Lease (coordination.k8s.io/v1), which one process holds at a time.
///
/// *Operation.* Whether another one's has run out is decided by how long it has not changed here,
/// and not by the times in it: clocks of machines differ. So a new process waits for `duration`
/// before it takes over from one that has died. Its own holds from before the renewal was sent.
///
/// *Concurrency.* Thread-safe; hold() and release() wait for each other.
///
/// *Limitations.* What is done by a holder that slept, or whose clock runs slow, may come after
/// another one has begun: what must not happen twice needs a resource version of its own.
class lease {
public:
  /// `api` and `time` outlive it.
  lease(client& api, lease_options how, const clock& time)
    : api_(api), how_(std::move(how)), time_(time) {}

  /// Acquires it, or renews it; whether it is held then. An error says nothing about that: look at
  /// is_held(). Once another one has it, it is not held. Blocks as long as
  /// the API does; a `stop` in time is the caller's.
  result<bool> hold(const std::stop_token& stop = {});

  /// Nobody holds it then, and another one need not wait. Does nothing unless it is held.
  result<void> release();

  /// For so long it is held by this process; zero: it is not.
  std::chrono::nanoseconds left() const;
  bool is_held() const { return left() > std::chrono::nanoseconds{0}; }
  /// Who held it when it was last looked at; empty: nobody.
  std::string holder() const;

private:
  struct observed {
    std::string holder, resource_version;
    std::chrono::nanoseconds since{};  // by our own clock
    std::chrono::seconds duration{};
  };

  object with_us(object from) const;
  void observe(const object& found, std::chrono::nanoseconds now);
  result<bool> settle(result<object> stored, std::chrono::nanoseconds sent);

  client& api_;
  const lease_options how_;
  const clock& time_;
  std::mutex calls_;  // one call at a time
  object last_;       // guarded by calls_: as it was stored last

  mutable std::mutex mutex_;  // guards what follows
  observed observed_;
  std::chrono::nanoseconds held_until_{};
};

struct leader_options {
  std::chrono::milliseconds every{2'000};  ///< between two attempts to acquire or renew it
  /// Who has not been able to renew for so long stops leading; the rest of the lease's duration is
  /// what stopping may take.
  std::chrono::milliseconds renew_within{10'000};
};

/// Waits until the lease can be held, then calls `lead` on a thread of its own and renews
/// meanwhile. Returns when `stop` is requested or leading is over: because `lead` has returned, or
/// because the lease is lost, which requests a stop of the token that `lead` has. Waits for `lead`,
/// then gives the lease back unless it was lost. Whether it was.
bool lead_while_held(lease& held, const leader_options& how, const logger& log,
                     const std::stop_token& stop,
                     const std::function<void(const std::stop_token&)>& lead);

}  // namespace cloudflow::kube
