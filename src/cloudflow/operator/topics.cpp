#include "cloudflow/operator/topics.hpp"

#include "cloudflow/application/provision.hpp"
#include "cloudflow/runner/logs.hpp"

#include <fmt/format.h>

#include <utility>
#include <vector>

namespace cloudflow::controller {

namespace {

/// Brokers, as they are named, and topic.
std::string place_of(const blueprint::topic_plan& t) {
  const auto servers = t.connection.find("bootstrap.servers");
  return fmt::format("{} on {}", t.name, servers == t.connection.end() ? "" : servers->second.text);
}

}  // namespace

result<void> provision_topics(const blueprint::plan& plan, const blueprint::secret_texts& secrets,
                              pubsub::open_cluster open_kafka, const clock& time) {
  if (plan.topics.empty()) return {};
  for (const auto& t : plan.topics)
    if (t.cluster_key.empty())
      return error{fmt::format(
          "topic {}: it is on no Kafka cluster. Install the operator with a default cluster "
          "(kafkaClusters.default.bootstrapServers), or configure "
          "cloudflow.kafka.clusters.default.bootstrap.servers.",
          t.id)};
  runner::log_options how;
  how.open_kafka = open_kafka;
  auto opened = runner::logs::open(plan, secrets, how, time);
  if (!opened) return pubsub::plain(std::move(opened).error());
  CLOUDFLOW_TRY(app::provision(plan, (*opened)->all(), app::provision_mode::make));
  return {};
}

std::string topics_digest(const blueprint::plan& plan, const blueprint::secret_texts& secrets) {
  std::string all;
  for (const auto& t : plan.topics) {
    all += fmt::format("{}\n{}\n{} {} {}\n{}\n{}\n", t.name, t.cluster_key, t.is_managed,
                       t.partitions, t.replicas, t.schema.fingerprint, t.base_schema);
    for (const auto& [key, value] : t.properties) all += fmt::format("{}={}\n", key, value);
    for (const auto& [key, value] : blueprint::texts_of(t.connection, secrets))
      all += fmt::format("{}={}\n", key, value);
  }
  return app::short_hash(all);
}

std::string topic_claims::claim(const app::app_key& app, const blueprint::plan& plan) {
  std::vector<place> wanted;
  for (const auto& t : plan.topics) {
    if (!t.is_managed) continue;
    const auto found = owners_.find(place_of(t));
    if (found != owners_.end() && found->second != app)
      return fmt::format(
          "topic {} is that of application {}. Give this one a prefix (cloudflow.kafka.prefix) or "
          "another topic.name; to read what the other writes, say cloudflow.topics.{}.managed = "
          "false.",
          place_of(t), app::to_string(found->second), t.id);
    wanted.push_back(place_of(t));
  }
  forget(app);
  for (auto& each : wanted) owners_[std::move(each)] = app;
  return {};
}

void topic_claims::forget(const app::app_key& app) {
  std::erase_if(owners_, [&](const auto& entry) { return entry.second == app; });
}

}  // namespace cloudflow::controller
