/// A session with a cluster of brokers, as whoever opens one describes it.
#pragma once

#include "cloudflow/base/log.hpp"
#include "cloudflow/base/time.hpp"
#include "cloudflow/pubsub/backend.hpp"
#include "cloudflow/pubsub/durable_names.hpp"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace cloudflow::pubsub {

struct cluster_options {
  /// Its name in the configuration, for messages; empty: the default cluster.
  std::string name = {};
  /// Properties of every client, by their names in librdkafka or in Kafka's Java client:
  /// `bootstrap.servers`, `security.protocol`, `ssl.*`, `sasl.*`. Files that are named here may
  /// change while the session is open.
  std::map<std::string, std::string> connection = {};
  /// Properties of producers, of consumers; over those of the connection.
  std::map<std::string, std::string> producer = {}, consumer = {};
  /// Prefix and id of the application: changelogs are `<application>.<streamlet>.changelog`.
  std::string application = {};
  /// Where the state of the tasks that run here is kept, so that a restart need not read all of the
  /// changelog. One process at a time has it open. Empty: this session has no state.
  std::filesystem::path state_directory = {};
  /// Copies of changelogs and of the catalog; 0: what the cluster does by default.
  std::int16_t replication = 0;
  /// The compacted topic with schemas and with what is known of topics and stores.
  std::string catalog_topic{pubsub::catalog_topic};
  logger log{make_null_sink(), "kafka"};
  /// True: the process is to end, and brokers that do not answer are not waited for. Thread-safe.
  /// Empty: never.
  std::function<bool()> must_stop = {};
};

/// Opens a session; which one, the program chooses that links it.
using open_cluster = result<std::unique_ptr<backend>> (*)(const cluster_options& wanted,
                                                          const clock& time);

}  // namespace cloudflow::pubsub
