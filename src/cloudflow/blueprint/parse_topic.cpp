#include "cloudflow/blueprint/internal/parse_topic.hpp"

#include "cloudflow/blueprint/internal/value_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace cloudflow::blueprint::internal {

const std::vector<std::string>& topic_keys() {
  static const std::vector<std::string> keys{
      "producers",         "consumers",         "cluster",         "managed",
      "bootstrap.servers", "connection-config", "producer-config", "consumer-config",
      "partitions",        "replicas",          "schema",          "topic"};
  return keys;
}

namespace {

/// Kafka's topic configurations (version 3), and what 2.3 reads from the same place.
const std::vector<std::string>& topic_properties() {
  static const std::vector<std::string> keys{"name",
                                             "partitions",
                                             "replicas",
                                             "cleanup.policy",
                                             "compression.type",
                                             "delete.retention.ms",
                                             "file.delete.delay.ms",
                                             "flush.messages",
                                             "flush.ms",
                                             "follower.replication.throttled.replicas",
                                             "index.interval.bytes",
                                             "leader.replication.throttled.replicas",
                                             "local.retention.bytes",
                                             "local.retention.ms",
                                             "max.compaction.lag.ms",
                                             "max.message.bytes",
                                             "message.downconversion.enable",
                                             "message.format.version",
                                             "message.timestamp.after.max.ms",
                                             "message.timestamp.before.max.ms",
                                             "message.timestamp.difference.max.ms",
                                             "message.timestamp.type",
                                             "min.cleanable.dirty.ratio",
                                             "min.compaction.lag.ms",
                                             "min.insync.replicas",
                                             "preallocate",
                                             "remote.storage.enable",
                                             "retention.bytes",
                                             "retention.ms",
                                             "segment.bytes",
                                             "segment.index.bytes",
                                             "segment.jitter.ms",
                                             "segment.ms",
                                             "unclean.leader.election.enable"};
  return keys;
}

bool is_one_of(std::string_view key, const std::vector<std::string>& keys) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

class topic_reader {
public:
  topic_reader(const config::member& topic, std::vector<problem>& problems,
               std::vector<std::string>& ineffective_paths)
    : topic_(topic), problems_(problems), ineffective_paths_(ineffective_paths) {}

  topic_ref read() {
    topic_ref ref{.id = {topic_.key, topic_.where}, .name = {topic_.key, topic_.where}};
    for (const auto& m : *topic_.content.as_object()) {
      if (m.content.is_null()) continue;
      if (m.key == "producers") {
        ref.producers = read_paths(m);
      } else if (m.key == "consumers") {
        ref.consumers = read_paths(m);
      } else if (m.key == "cluster") {
        ref.cluster = read_text(m);
      } else {
        read_other(m, ref);
      }
    }
    if (const auto* topic = topic_.content.get("topic")) read_topic_object(*topic, ref);
    ref.kafka_config = kafka_config();
    return ref;
  }

private:
  std::string path(std::string_view key) const {
    return fmt::format("blueprint.topics.{}.{}", topic_.key, key);
  }

  std::optional<located_text> read_text(const config::member& m) {
    if (auto text = m.content.text()) return located_text{*std::move(text), m.content.where()};
    problems_.push_back(wrong_type(m.content, m.content.where(), path(m.key), "STRING"));
    return std::nullopt;
  }

  std::vector<located_text> read_paths(const config::member& m) {
    std::vector<located_text> paths;
    if (const auto* list = m.content.as_list()) {
      for (const auto& element : *list) {
        if (auto text = element.text()) {
          paths.push_back({*std::move(text), element.where()});
        } else {
          problems_.push_back(wrong_type(element, element.where(), path(m.key), "list of STRING",
                                         "write a port as <streamlet>.<port>"));
          collect_texts(element, "", ineffective_paths_);
        }
      }
      return paths;
    }
    const auto text = m.content.text();
    problems_.push_back(
        wrong_type(m.content, m.content.where(), path(m.key), "LIST",
                   fmt::format("write {} = [{}]", m.key, text.value_or("<streamlet>.<port>"))));
    if (text) {
      paths.push_back({*text, m.content.where()});
    } else {
      collect_texts(m.content, "", ineffective_paths_);
    }
    return paths;
  }

  void read_other(const config::member& m, topic_ref& ref) {
    if (m.key == "topic" || m.key.ends_with("-config")) {
      if (is_one_of(m.key, topic_keys()) && !m.content.is_object())
        problems_.push_back(wrong_type(m.content, m.where, path(m.key), "OBJECT",
                                       fmt::format("write {} {{ <property> = <value> }}", m.key)));
    } else if (m.key == "managed") {
      const auto text = m.content.text();
      if (!text || !config::parse_bool(*text))
        problems_.push_back(wrong_type(m.content, m.content.where(), path(m.key), "BOOLEAN",
                                       "write true or false"));
    } else if (m.key == "partitions" || m.key == "replicas") {
      check_count(m);
    }
    if (!is_one_of(m.key, topic_keys()) && m.key != "bootstrap") read_unknown(m, ref);
  }

  void read_unknown(const config::member& m, topic_ref& ref) {
    const auto near = config::nearest(m.key, topic_keys());
    if (!near) return;
    if (*near == "producers" || *near == "consumers") {
      misspelt_list list{.key = {m.key, m.where}, .meant = *near, .paths = {}};
      std::vector<std::string> texts;
      collect_texts(m.content, "", texts);
      for (auto& text : texts) list.paths.push_back({std::move(text), m.where});
      ref.misspelt.push_back(std::move(list));
    } else {
      warn_unknown(m.where, path(m.key), *near);
    }
  }

  void read_topic_object(const config::value& topic, topic_ref& ref) {
    if (!topic.is_object()) return;
    for (const auto& m : *topic.as_object()) {
      if (m.content.is_null()) continue;
      if (m.key == "name") {
        if (auto name = m.content.text()) ref.name = {*std::move(name), m.content.where()};
      } else if (m.key == "partitions" || m.key == "replicas") {
        check_count(m);
      }
    }
    for (const auto& [key, value] : flatten(topic)) {
      if (is_one_of(key, topic_properties())) continue;
      if (const auto near = config::nearest(key, topic_properties()))
        warn_unknown(value.where, path("topic." + key), *near);
    }
  }

  void warn_unknown(const config::origin& where, const std::string& key, std::string_view near) {
    problems_.push_back({.kind = problem_kind::unknown_key,
                         .level = severity::warning,
                         .message = fmt::format("Unknown key '{}'.", key),
                         .where = where,
                         .suggestion = fmt::format("did you mean '{}'?", near)});
  }

  void check_count(const config::member& m) {
    if (to_count(m.content)) return;
    problems_.push_back(
        {.kind = problem_kind::invalid_partition_count,
         .message = fmt::format("'{}' is not a valid number of {} for topic '{}', must be a whole "
                                "number of at least 1.",
                                m.content.text().value_or(std::string{type_name(m.content)}), m.key,
                                topic_.key),
         .where = m.content.where(),
         .suggestion = fmt::format("write {} = 1, or leave it out", m.key)});
  }

  /// 2.3's operator reads `partitions` and `replicas` at the top only, and passes whatever `topic`
  /// holds to Kafka.
  config::value kafka_config() const {
    static constexpr std::array<std::string_view, 3> own_keys{"producers", "consumers", "cluster"};
    static constexpr std::array<std::string_view, 4> and_topic{"producers", "consumers", "cluster",
                                                               "topic"};
    static constexpr std::array<std::string_view, 2> counts{"partitions", "replicas"};
    const auto* topic = topic_.content.get("topic");
    std::vector<config::member> raised;
    if (topic != nullptr && topic->is_object())
      for (const auto& m : *topic->as_object())
        if ((m.key == "partitions" || m.key == "replicas") && topic_.content.get(m.key) == nullptr)
          raised.push_back(m);
    if (topic == nullptr || !topic->is_object() ||
        (topic->get("partitions") == nullptr && topic->get("replicas") == nullptr))
      return copy_object(topic_.content, own_keys);
    raised.push_back({"topic", topic->where(), copy_object(*topic, counts)});
    return copy_object(topic_.content, and_topic, std::move(raised));
  }

  const config::member& topic_;
  std::vector<problem>& problems_;
  std::vector<std::string>& ineffective_paths_;
};

}  // namespace

topic_ref parse_topic(const config::member& topic, std::vector<problem>& problems,
                      std::vector<std::string>& ineffective_paths) {
  return topic_reader{topic, problems, ineffective_paths}.read();
}

}  // namespace cloudflow::blueprint::internal
