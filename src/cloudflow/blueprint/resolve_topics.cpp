#include "cloudflow/blueprint/internal/settings.hpp"
#include "cloudflow/blueprint/internal/value_reader.hpp"
#include "cloudflow/blueprint/names.hpp"

#include <fmt/format.h>

#include <map>

namespace cloudflow::blueprint::internal {
namespace {

using leaves = std::map<std::string, located_text>;

/// The leaves of a topic's configuration, with `partitions` and `replicas` at the top wherever they
/// were written.
leaves normalised(const config::value& v) {
  leaves out;
  for (auto& [path, text] : flatten(v)) out[path] = std::move(text);
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
    std::vector<topic_plan> topics;
    for (const auto& topic : app_.blueprint.topics) topics.push_back(resolve(topic));
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

  topic_plan resolve(const verified_topic& topic) {
    auto all = normalised(topic.kafka_config);
    if (const auto* own = from_.object_at({"cloudflow", "topics", topic.id}))
      for (auto& [path, text] : normalised(*own)) all[path] = text;
    topic_plan plan{.id = topic.id,
                    .name = topic.name,
                    .cluster = topic.cluster,
                    .properties = below(all, "topic."),
                    .connection = below(all, "connection-config."),
                    .producer = below(all, "producer-config."),
                    .consumer = below(all, "consumer-config."),
                    .schema = schema_of(topic),
                    .producers = topic.producers,
                    .consumers = topic.consumers};
    plan.properties.erase("name");
    if (const auto servers = all.find("bootstrap.servers"); servers != all.end())
      plan.connection["bootstrap.servers"] = servers->second.text;
    plan.partitions = count(all, "partitions", topic);
    plan.replicas = count(all, "replicas", topic);
    plan.is_managed = is_managed(all, topic);
    take_names(all, plan);
    return plan;
  }

  /// The prefix is for what we make; a topic that others manage has the name they gave it.
  void take_names(const leaves& all, topic_plan& plan) {
    config::origin where = settings::nowhere();
    if (const auto name = all.find("topic.name"); name != all.end()) {
      plan.name = name->second.text;
      where = name->second.where;
    }
    if (const auto cluster = all.find("cluster"); cluster != all.end()) {
      if (is_dns_name(cluster->second.text)) {
        plan.cluster = cluster->second.text;
      } else {
        from_.report(
            cluster->second.where,
            fmt::format("Invalid Kafka cluster name '{}'. Names must consist of lower case "
                        "alphanumeric characters and may contain '-' except for at the "
                        "start or end.",
                        cluster->second.text),
            fmt::format("write '{}'", to_dns_label(cluster->second.text)));
      }
    }
    if (plan.is_managed) plan.name = prefix_ + plan.name;
    if (!is_topic_name(plan.name))
      from_.report(
          where,
          fmt::format(R"('{}' is not a valid topic name, must match '[a-zA-Z0-9\._\-]', )"
                      "max 255 characters.",
                      plan.name),
          fmt::format("Kafka takes {} characters, the prefix included", max_topic_name_length));
  }

  std::int32_t count(const leaves& all, const char* what, const verified_topic& topic) {
    const auto found = all.find(what);
    if (found == all.end()) return 1;
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
};

}  // namespace

std::vector<topic_plan> resolve_topics(const application& app, const std::string& prefix,
                                       settings& from) {
  return topic_resolution{app, prefix, from}.run();
}

}  // namespace cloudflow::blueprint::internal
