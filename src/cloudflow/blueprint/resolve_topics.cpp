#include "cloudflow/blueprint/internal/parse_topic.hpp"
#include "cloudflow/blueprint/internal/settings.hpp"
#include "cloudflow/blueprint/internal/value_reader.hpp"
#include "cloudflow/blueprint/names.hpp"
#include "cloudflow/pubsub/secret_properties.hpp"
#include "cloudflow/schema/avro_schema.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace cloudflow::blueprint::internal {
namespace {

/// A configured text, where it is written, and the path that it has there.
struct leaf : located_text {
  std::string path = {};
};
using leaves = std::map<std::string, leaf>;

/// Of topics that name no cluster.
constexpr std::string_view default_cluster = "default";

const std::vector<std::string>& cluster_keys() {
  static const std::vector<std::string> keys{
      "bootstrap.servers", "partitions",      "replicas",       "topic",
      "connection-config", "producer-config", "consumer-config"};
  return keys;
}

/// The leaves of a topic's configuration but for its schema, with `partitions` and `replicas` at
/// the top wherever they were written.
leaves normalised(const config::value& v, const std::string& base) {
  leaves out;
  for (auto& [path, text] : flatten(v))
    if (path != "schema" && !path.starts_with("schema."))
      out[path] = {std::move(text), fmt::format("{}.{}", base, path)};
  for (const auto* count : {"partitions", "replicas"}) {
    const auto inner = out.extract(fmt::format("topic.{}", count));
    if (inner) out.try_emplace(count, inner.mapped());
  }
  return out;
}

std::map<std::string, std::string> below(const leaves& all, std::string_view prefix) {
  std::map<std::string, std::string> out;
  for (const auto& [path, text] : all)
    if (path.starts_with(prefix)) out[path.substr(prefix.size())] = text.text;
  return out;
}

class topic_resolution {
public:
  topic_resolution(const application& app, const std::string& prefix, settings& from)
    : app_(app), prefix_(prefix), from_(from) {}

  std::vector<topic_plan> run() {
    const auto* given = from_.object_at({"cloudflow", "topics"});
    if (given != nullptr) check_unknown(*given);
    read_kafka();
    std::vector<topic_plan> topics;
    for (const auto& topic : app_.blueprint.topics) {
      auto plan = resolve(topic);
      plan.cluster_key = cluster_key_of(plan, topics);
      topics.push_back(std::move(plan));
    }
    return topics;
  }

private:
  void check_unknown(const config::value& given) {
    std::vector<std::string> ids;
    for (const auto& topic : app_.blueprint.topics) ids.push_back(topic.id);
    from_.check_keys(given, "cloudflow.topics", ids,
                     "Configuration contains topics: [{key}] that are not present in the "
                     "application spec");
  }

  void read_kafka() {
    const auto* kafka = from_.object_at({"cloudflow", "kafka"});
    if (kafka == nullptr) return;
    static const std::vector<std::string> known{"prefix", "clusters", "bootstrap-servers"};
    from_.check_keys(*kafka, "cloudflow.kafka", known, "Unknown key '{path}.{key}'.");
    if (const auto* servers = kafka->get("bootstrap-servers"); servers && servers->text())
      clusters_[std::string{default_cluster}]["bootstrap.servers"] = {
          {*servers->text(), servers->where()}};
    read_clusters();
    for (const auto& [name, cluster] : clusters_)
      check_servers(cluster, fmt::format("bootstrap.servers of Kafka cluster {}", name));
  }

  void read_clusters() {
    const auto* given = from_.object_at({"cloudflow", "kafka", "clusters"});
    if (given == nullptr) return;
    for (const auto& m : *given->as_object()) {
      if (!m.content.is_object()) {
        from_.report(m.where, fmt::format("cloudflow.kafka.clusters.{} is no object", m.key),
                     fmt::format("write {} {{ bootstrap.servers = \"host:9092\" }}", m.key));
        continue;
      }
      from_.check_paths(m.content, "cloudflow.kafka.clusters." + m.key, cluster_keys());
      for (auto& [path, text] : normalised(m.content, "cloudflow.kafka.clusters." + m.key))
        clusters_[m.key][path] = std::move(text);
      if (!clusters_[m.key].contains("bootstrap.servers"))
        from_.report(m.where, fmt::format("Kafka cluster {} has no bootstrap.servers", m.key),
                     fmt::format("write cloudflow.kafka.clusters.{}.bootstrap.servers = "
                                 "\"host:9092\"",
                                 m.key));
    }
  }

  void check_servers(const leaves& in, std::string_view path) {
    const auto servers = in.find("bootstrap.servers");
    if (servers == in.end() || is_server_list(servers->second.text)) return;
    from_.report(servers->second.where,
                 fmt::format("{} is '{}', expected HOST:PORT, several separated by commas", path,
                             servers->second.text),
                 "a port is a number of 1 to 65535");
  }

  topic_plan resolve(const verified_topic& topic) {
    auto own = normalised(topic.kafka_config, "blueprint.topics." + topic.id);
    const auto* given = from_.object_at({"cloudflow", "topics", topic.id});
    if (given != nullptr) {
      // As in a blueprint, 2.3 keeps what it does not know.
      from_.check_paths(*given, "cloudflow.topics." + topic.id, topic_keys(), severity::warning);
      for (auto& [path, text] : normalised(*given, "cloudflow.topics." + topic.id))
        own[path] = text;
    }
    check_servers(own, fmt::format("bootstrap.servers of topic {}", topic.id));
    topic_plan plan{.id = topic.id,
                    .name = topic.name,
                    .cluster = topic.cluster,
                    .schema = schema_of(topic),
                    .producers = topic.producers,
                    .consumers = topic.consumers};
    take_names(own, plan);
    plan.base_schema = base_schema(topic, given);
    const auto all = over_cluster(plan, own);
    plan.properties = below(all, "topic.");
    plan.connection = client_properties(all, "connection-config.");
    plan.producer = client_properties(all, "producer-config.");
    plan.consumer = client_properties(all, "consumer-config.");
    plan.properties.erase("name");
    if (const auto servers = all.find("bootstrap.servers"); servers != all.end())
      plan.connection["bootstrap.servers"] = servers->second.text;
    const bool is_on_cluster = plan.connection.contains("bootstrap.servers");
    plan.partitions = count(all, "partitions", topic, 1);
    plan.replicas = count(all, "replicas", topic, is_on_cluster ? 0 : 1);
    plan.is_managed = is_managed(all, topic);
    if (plan.is_managed) plan.name = prefix_ + plan.name;
    check_name(own, plan);
    return plan;
  }

  settings_by_name client_properties(const leaves& all, std::string_view prefix) {
    settings_by_name out;
    for (const auto& [path, text] : all) {
      if (!path.starts_with(prefix)) continue;
      const auto name = path.substr(prefix.size());
      out[name] = pubsub::is_secret_property(name) ? from_.keep_secret(text.path, text.text)
                                                   : setting{text.text};
    }
    return out;
  }

  /// An object, which is how a file of JSON reads when it is included, or a text.
  std::string base_schema(const verified_topic& topic, const config::value* given) {
    const auto* configured = given == nullptr ? nullptr : given->get("schema");
    if (configured == nullptr) configured = topic.kafka_config.get("schema");
    if (configured == nullptr || configured->is_null()) return {};
    auto json = configured->text().value_or(config::to_json(*configured));
    if (const auto parsed = schema::parse_avro(json, "schema"); !parsed)
      from_.report(
          configured->where(),
          fmt::format("cloudflow.topics.{}.schema is no Avro schema: {}", topic.id,
                      parsed.error().message),
          fmt::format("write cloudflow.topics.{}.schema {{ include required(file(\"x.avsc\")) }}",
                      topic.id));
    return json;
  }

  /// What the topic says of itself, over its cluster, over the numbers of the default cluster. Of a
  /// connection it takes all or nothing: credentials of one cluster are not for another.
  leaves over_cluster(topic_plan& plan, leaves own) {
    const bool has_own_servers =
        own.contains("bootstrap.servers") || own.contains("connection-config.bootstrap.servers");
    const auto is_connection = [](const std::string& path) {
      return path == "bootstrap.servers" || path.starts_with("connection-config.");
    };
    const auto name = plan.cluster.empty() ? std::string{default_cluster} : plan.cluster;
    if (!has_own_servers) plan.cluster_key = name;
    if (std::any_of(own.begin(), own.end(), [&](const auto& e) { return is_connection(e.first); }))
      plan.cluster_key +=
          plan.cluster_key.empty() ? "" : fmt::format(", as topic {} is configured", plan.id);
    if (!plan.cluster.empty() && !clusters_.empty() && !clusters_.contains(name))
      report_unknown_cluster(own, plan);
    if (const auto cluster = clusters_.find(name); cluster != clusters_.end())
      for (const auto& [path, text] : cluster->second)
        if (!has_own_servers || !is_connection(path)) own.try_emplace(path, text);
    if (const auto fallback = clusters_.find(default_cluster); fallback != clusters_.end())
      for (const auto& [path, text] : fallback->second)
        if (path == "partitions" || path == "replicas" || path.starts_with("topic."))
          own.try_emplace(path, text);
    return own;
  }

  void report_unknown_cluster(const leaves& own, const topic_plan& plan) {
    const auto at = own.find("cluster");
    std::vector<std::string> known;
    for (const auto& [name, config] : clusters_) known.push_back(name);
    from_.report(at == own.end() ? settings::nowhere() : at->second.where,
                 fmt::format("Topic {} is on Kafka cluster {}, which is not configured: there "
                             "{} {}",
                             plan.id, plan.cluster, known.size() == 1 ? "is" : "are",
                             fmt::join(known, ", ")),
                 suggest(plan.cluster, known));
  }

  /// One for each connection that differs from all before, named after its cluster or its servers.
  std::string cluster_key_of(const topic_plan& plan, const std::vector<topic_plan>& before) const {
    const auto servers = plan.connection.find("bootstrap.servers");
    if (servers == plan.connection.end()) return {};
    const auto own = texts_of(plan.connection, from_.secrets());
    for (const auto& other : before)
      if (texts_of(other.connection, from_.secrets()) == own) return other.cluster_key;
    return plan.cluster_key.empty() ? servers->second.text : plan.cluster_key;
  }

  void take_names(const leaves& own, topic_plan& plan) {
    if (const auto name = own.find("topic.name"); name != own.end()) plan.name = name->second.text;
    const auto cluster = own.find("cluster");
    if (cluster == own.end()) return;
    if (is_dns_name(cluster->second.text)) {
      plan.cluster = cluster->second.text;
      return;
    }
    from_.report(cluster->second.where,
                 fmt::format("Invalid Kafka cluster name '{}'. Names must consist of lower case "
                             "alphanumeric characters and may contain '-' except for at the "
                             "start or end.",
                             cluster->second.text),
                 fmt::format("write '{}'", to_dns_label(cluster->second.text)));
  }

  /// The prefix is for what we make; a topic that others manage has the name they gave it.
  void check_name(const leaves& own, const topic_plan& plan) {
    if (is_topic_name(plan.name)) return;
    const auto name = own.find("topic.name");
    from_.report(
        name == own.end() ? settings::nowhere() : name->second.where,
        fmt::format(R"('{}' is not a valid topic name, must match '[a-zA-Z0-9\._\-]', )"
                    "max 255 characters.",
                    plan.name),
        fmt::format("Kafka takes {} characters, the prefix included", max_topic_name_length));
  }

  std::int32_t count(const leaves& all, const char* what, const verified_topic& topic,
                     std::int32_t otherwise) {
    const auto found = all.find(what);
    if (found == all.end()) return otherwise;
    const auto number = to_count(config::value{found->second.text, found->second.where});
    if (!number)
      from_.report(found->second.where,
                   fmt::format("'{}' is not a valid number of {} for topic '{}', must be a whole "
                               "number of at least 1.",
                               found->second.text, what, topic.id),
                   fmt::format("write {} = 1, or leave it out", what),
                   problem_kind::invalid_partition_count);
    return number.value_or(1);
  }

  bool is_managed(const leaves& all, const verified_topic& topic) {
    const auto found = all.find("managed");
    if (found == all.end()) return true;
    const auto flag = config::parse_bool(found->second.text);
    if (!flag)
      from_.report(found->second.where,
                   fmt::format("cloudflow.topics.{}.managed is '{}', expected a boolean value",
                               topic.id, found->second.text),
                   "write true or false");
    return flag.value_or(true);
  }

  schema_descriptor schema_of(const verified_topic& topic) const {
    const auto path = parse_port_path(topic.producers.empty() ? topic.consumers.front()
                                                              : topic.producers.front());
    for (const auto& s : app_.blueprint.streamlets) {
      if (!path || s.name != path->streamlet) continue;
      const auto& ports = topic.producers.empty() ? s.descriptor.inlets : s.descriptor.outlets;
      for (const auto& p : ports)
        if (p.name == path->port) return p.schema;
    }
    return {};
  }

  const application& app_;
  const std::string& prefix_;
  settings& from_;
  std::map<std::string, leaves, std::less<>> clusters_;
};

}  // namespace

std::vector<topic_plan> resolve_topics(const application& app, const std::string& prefix,
                                       settings& from) {
  return topic_resolution{app, prefix, from}.run();
}

}  // namespace cloudflow::blueprint::internal
