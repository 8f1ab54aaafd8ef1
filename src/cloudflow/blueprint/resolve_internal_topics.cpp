// The topics that are not in the blueprint.
#include "cloudflow/blueprint/internal/settings.hpp"
#include "cloudflow/blueprint/names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

namespace cloudflow::blueprint::internal {
namespace {

/// What a dead letter holds: the bytes of the record as they were.
const schema_descriptor& raw_bytes() {
  static const schema_descriptor schema{
      "ByteArraySchema", "ByteArraySchema",
      "dwlWOQ4Sjx4PeuYwyPH0Hf8dvXa/re/h461LiDLWQSo=", "bytearray"};
  return schema;
}

/// Of a repartition topic on Kafka: small, so that it does not stay much larger than what is unread
/// in it.
constexpr const char* segment_bytes = "52428800";

/// A number of bytes; what is none is for Kafka to refuse.
std::string with_room_for_headers(const std::string& limit) {
  constexpr std::uint64_t room = 16 * 1024;
  std::uint64_t bytes = 0;
  const auto read = std::from_chars(limit.data(), limit.data() + limit.size(), bytes);
  const bool is_number = read.ec == std::errc{} && read.ptr == limit.data() + limit.size();
  return is_number ? std::to_string(bytes + room) : limit;
}

class internal_topics {
public:
  internal_topics(streamlet_plan& of, plan& whole, settings& from)
    : of_(of), plan_(whole), from_(from), names_(whole.names()) {}

  /// Where the dead letters of an inlet go, and where they come back from.
  void add_dead_letters() {
    for (auto& inlet : of_.inlets) {
      if (inlet.on_bad_record != bad_record_policy::dead_letter) continue;
      auto dead_letters = internal_topic(names_.dead_letter_topic(of_.name, inlet.name),
                                         &plan_.topics[inlet.topic]);
      dead_letters.schema = raw_bytes();
      check_length(dead_letters, "the topic of dead letters of", inlet.name, "inlet");
      auto retries =
          internal_topic(names_.retry_topic(of_.name, inlet.name), &plan_.topics[inlet.topic]);
      retries.schema = inlet.schema;
      retries.retries_of = inlet.topic;
      retries.partitions = plan_.topics[inlet.topic].partitions;
      retries.consumer = plan_.topics[inlet.topic].consumer;
      inlet.dead_letter_topic = add(std::move(dead_letters));
      inlet.retry_topic = add(std::move(retries));
    }
  }

  /// Where windows that cannot be processed go, and records of the streamlet's own sources.
  void add_dead_letters_of_no_inlet(bool has_sources) {
    for (auto& w : of_.windows) {
      if (w.on_bad_window != bad_record_policy::dead_letter) continue;
      const auto& state = of_.states[w.state].name;
      w.dead_letter_topic =
          add_dead_letters(names_.window_dead_letter_topic(of_.name, state), state, "state");
    }
    if (has_sources)
      of_.dead_letter_topic =
          add_dead_letters(names_.source_dead_letter_topic(of_.name), "its sources", "streamlet");
  }

  /// What a task has not read is not deleted, however late it comes. The embedded log never deletes
  /// that, and so need not keep the rest; Kafka is told, and deletes whole segments.
  void add_repartitions() {
    for (auto& r : of_.repartitions) {
      const auto& state = of_.states[r.state].name;
      const auto& inlet = *std::find_if(of_.inlets.begin(), of_.inlets.end(),
                                        [&](const auto& p) { return p.name == r.port.name; });
      const auto& source = plan_.topics[inlet.topic];
      auto topic =
          internal_topic(names_.repartition_topic(of_.name, state), &plan_.topics[inlet.topic]);
      topic.schema = r.port.schema;
      topic.partitions = source.partitions;
      topic.consumer = source.consumer;
      topic.properties["retention.ms"] = "-1";
      topic.properties["retention.bytes"] = topic.cluster_key.empty() ? "0" : "-1";
      if (!topic.cluster_key.empty()) topic.properties["segment.bytes"] = segment_bytes;
      check_length(topic, "the repartition topic of state", state, "state");
      r.port.topic = add(std::move(topic));
      r.port.dead_letter_topic = inlet.dead_letter_topic;
      if (inlet.retry_topic) r.port.retry_topic = r.port.topic;
    }
  }

private:
  /// Beside the first port.
  std::size_t add_dead_letters(std::string name, const std::string& of, std::string_view kind) {
    const auto& ports = of_.inlets.empty() ? of_.outlets : of_.inlets;
    auto topic =
        internal_topic(std::move(name), ports.empty() ? nullptr : &plan_.topics[ports[0].topic]);
    topic.schema = raw_bytes();
    check_length(topic, "the topic of dead letters of", of, kind);
    return add(std::move(topic));
  }

  std::size_t add(topic_plan topic) {
    plan_.topics.push_back(std::move(topic));
    return plan_.topics.size() - 1;
  }

  void check_length(const topic_plan& topic, std::string_view what, const std::string& name,
                    std::string_view kind) {
    if (is_topic_name(topic.name)) return;
    from_.report(settings::nowhere(),
                 fmt::format("'{}' is too long for {} {}.{}", topic.name, what, of_.name, name),
                 fmt::format("shorten the names of application, streamlet or {}", kind));
  }

  /// On the cluster of `source`, if there is one, and as safe as it. What fits there fits here,
  /// with the headers of a dead letter.
  topic_plan internal_topic(std::string name, const topic_plan* source) const {
    topic_plan topic;
    topic.id = name.substr(plan_.prefix.size());
    topic.name = std::move(name);
    topic.is_internal = true;
    if (source == nullptr) return topic;
    topic.cluster = source->cluster;
    topic.cluster_key = source->cluster_key;
    topic.connection = source->connection;
    topic.producer = source->producer;
    topic.replicas = source->replicas;
    if (const auto limit = source->properties.find("max.message.bytes");
        limit != source->properties.end())
      topic.properties[limit->first] = with_room_for_headers(limit->second);
    return topic;
  }

  streamlet_plan& of_;
  plan& plan_;
  settings& from_;
  const pubsub::durable_names names_;
};

}  // namespace

void add_internal_topics(streamlet_plan& of, bool has_sources, plan& whole, settings& from) {
  internal_topics topics{of, whole, from};
  topics.add_dead_letters();
  topics.add_dead_letters_of_no_inlet(has_sources);
  topics.add_repartitions();
}

void check_names_on_logs(const plan& whole, settings& from) {
  using place_and_name = std::pair<std::string_view, std::string_view>;
  std::map<place_and_name, const topic_plan*> known;
  std::map<std::string_view, const topic_plan*> known_ids;
  for (const auto& topic : whole.topics) {
    auto [at, is_new] = known.emplace(place_and_name{topic.cluster_key, topic.name}, &topic);
    const topic_plan* other = is_new ? nullptr : at->second;
    const auto [id, is_new_id] = known_ids.emplace(topic.id, &topic);
    if (is_new && !is_new_id) other = id->second;
    if (other == nullptr) continue;
    from.report(
        settings::nowhere(),
        topic.is_internal
            ? fmt::format("topic {} has the name '{}', which is that of a topic of the "
                          "application's own",
                          other->id, topic.name)
            : fmt::format("topics {} and {} have one name, '{}'", other->id, topic.id, topic.name),
        topic.is_internal ? "give it another name"
                          : "make one topic of them, or give one another topic.name");
  }
  // What is on Kafka alone, and no topic of the plan.
  for (const auto& topic : whole.topics) {
    if (topic.is_internal || topic.cluster_key.empty()) continue;
    std::string whose;
    if (topic.name == pubsub::catalog_topic) whose = "the schemas of all applications";
    for (const auto& s : whole.streamlets)
      if (topic.name == whole.names().changelog_topic(s.name))
        whose = "the state of streamlet " + s.name;
    if (!whose.empty())
      from.report(settings::nowhere(),
                  fmt::format("topic {} has the name '{}', which is that of {}", topic.id,
                              topic.name, whose),
                  "give it another name");
  }
}

}  // namespace cloudflow::blueprint::internal
