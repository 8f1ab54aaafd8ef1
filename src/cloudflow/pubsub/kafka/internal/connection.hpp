/// What all clients of a session share: properties, credentials that may change, what was heard of the brokers.
#pragma once

#include "cloudflow/base/time.hpp"
#include "cloudflow/pubsub/kafka/cluster.hpp"
#include "cloudflow/pubsub/kafka/internal/client.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>

namespace cloudflow::pubsub::kafka {

/// Concurrency: thread-safe. Outlives its clients.
class connection {
public:
  /// Checks the properties; connects to nothing. `errc::unsupported`: a property that is unknown (with what may have
  /// been meant), has a wrong value, or names a file that cannot be read.
  static result<std::unique_ptr<connection>> make(const options& wanted, const clock& time);
  connection(const options& wanted, const clock& time);
  ~connection();

  /// A client with the properties of the session. Errors: as `make`, of `spec.properties`.
  result<std::unique_ptr<client>> open_client(const client_spec& spec);

  const options& wanted() const noexcept { return wanted_; }
  const logger& log() const noexcept { return wanted_.log; }
  const clock& time() const noexcept { return time_; }
  /// `cluster "metrics" (kafka-0:9093,kafka-1:9093)`; for messages.
  const std::string& where() const noexcept { return where_; }

  /// Grows whenever certificates have changed; see client::is_outdated().
  std::uint64_t generation() const noexcept { return generation_.load(std::memory_order_acquire); }

private:
  friend class client;

  const options wanted_;
  const clock& time_;
  std::string where_;
  std::atomic<std::uint64_t> generation_ = 0;
  std::mutex clients_mutex_;
  std::set<client*> clients_;
};

}  // namespace cloudflow::pubsub::kafka
