/// The durable log on Apache Kafka, through librdkafka.
#pragma once

#include "cloudflow/base/time.hpp"
#include "cloudflow/pubsub/cluster_options.hpp"

#include <memory>

namespace cloudflow::pubsub::kafka {

using options = cluster_options;

/// Connects to a cluster.
///
/// Concurrency: thread-safe, as `backend` says. The session has threads of its own (librdkafka's,
/// and one for each open producer).
///
/// Guarantees: exactly-once by Kafka's transactions (KIP-98, KIP-447), at-least-once by positions
/// that are committed after what they stand for has been acknowledged by all in-sync replicas.
/// Consumers read committed records only. Groups use the protocol of KIP-848 where the brokers have
/// it, cooperative rebalancing (KIP-429) otherwise.
///
/// Errors: `unavailable` when no broker answers within 10 s, `denied` when a broker
/// refuses who asks. The message names cluster, broker, and what to check; never a secret.
result<std::unique_ptr<backend>> open(const options& wanted, const clock& time);

}  // namespace cloudflow::pubsub::kafka
