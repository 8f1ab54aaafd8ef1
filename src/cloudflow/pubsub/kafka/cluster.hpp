/// The durable log on Apache Kafka, through librdkafka.
#pragma once

#include "cloudflow/base/log.hpp"
#include "cloudflow/base/time.hpp"
#include "cloudflow/pubsub/backend.hpp"

#include <chrono>
#include <filesystem>
#include <map>
#include <memory>
#include <string>

namespace cloudflow::pubsub::kafka {

struct options {
  /// Its name in the configuration, for messages; empty: the default cluster.
  std::string name = {};
  /// Properties of every client, by their names in librdkafka or in Kafka's Java client: `bootstrap.servers`,
  /// `security.protocol`, `ssl.*`, `sasl.*`. Files that are named here may change while the session is open.
  std::map<std::string, std::string> connection = {};
  /// Properties of producers, of consumers; over those of the connection.
  std::map<std::string, std::string> producer = {}, consumer = {};
  /// Prefix and id of the application: changelogs are `<application>.<streamlet>.changelog`.
  std::string application = {};
  /// Where the state of the tasks that run here is kept, so that a restart need not read all of the changelog.
  /// One process at a time has it open. Empty: this session has no state.
  std::filesystem::path state_directory = {};
  /// Copies of changelogs and of the catalog; 0: what the cluster does by default.
  std::int16_t replication = 0;
  /// The compacted topic with schemas and with what is known of topics and stores.
  std::string catalog_topic = "cloudflow.schemas";
  logger log{make_null_sink(), "kafka"};
};

/// Connects to a cluster.
///
/// Concurrency: thread-safe, as `backend` says. The session has threads of its own (librdkafka's, and one for each open
/// producer).
///
/// Guarantees: exactly-once by Kafka's transactions (KIP-98, KIP-447), at-least-once by positions that are committed
/// after what they stand for has been acknowledged by all in-sync replicas. Consumers read committed records only.
/// Groups use the protocol of KIP-848 where the brokers have it, cooperative rebalancing (KIP-429) otherwise.
///
/// Errors: `unavailable` (retriable) when no broker answers within 10 s, `denied` when a broker refuses who asks. The
/// message names cluster, broker, and what to check; never a secret.
result<std::unique_ptr<backend>> open(const options& wanted, const clock& time);

}  // namespace cloudflow::pubsub::kafka
