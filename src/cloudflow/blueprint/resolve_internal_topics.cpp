// The topics that are not in the blueprint.
#include "cloudflow/blueprint/internal/settings.hpp"
#include "cloudflow/blueprint/names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace cloudflow::blueprint::internal {
namespace {

/// What a dead letter holds: the bytes of the record as they were.
const schema_descriptor& raw_bytes() {
  static const schema_descriptor schema{
      "ByteArraySchema", "ByteArraySchema",
      "dwlWOQ4Sjx4PeuYwyPH0Hf8dvXa/re/h461LiDLWQSo=", "bytearray"};
  return schema;
}

/// Of a repartition topic on Kafka: small, so that it does not stay much larger than what is unread in it.
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
  internal_topics(const streamlet_plan& of, const plan& whole, settings& from,
                  std::vector<topic_plan>& into)
    : of_(of), plan_(whole), from_(from), into_(into) {}

  /// Where the dead letters of an inlet go, and where they come back from.
  void add_dead_letters() {
    for (const auto& inlet : of_.inlets) {
      if (inlet.dead_letter_topic.empty()) continue;
      const auto* source = plan_.find_topic(inlet.topic_id);
      auto letters = internal_topic(inlet.dead_letter_topic, source);
      letters.schema = raw_bytes();
      if (!is_topic_name(letters.name))
        from_.report(settings::nowhere(),
                     fmt::format("'{}' is too long for the topic of dead letters of {}.{}",
                                 letters.name, of_.name, inlet.name),
                     "shorten the names of application, streamlet or inlet");
      auto retries = internal_topic(inlet.retry_topic, source);
      retries.schema = inlet.schema;
      if (source != nullptr) {
        retries.retries_of = source->id;
        retries.partitions = source->partitions;
        retries.consumer = source->consumer;
      }
      into_.push_back(std::move(letters));
      into_.push_back(std::move(retries));
    }
  }

  /// What a task has not read is not deleted, however late it comes. The embedded log never deletes that, and so need
  /// not keep the rest; Kafka is told, and deletes whole segments.
  void add_repartitions() {
    for (const auto& r : of_.repartitions) {
      const auto& inlet = *std::find_if(of_.inlets.begin(), of_.inlets.end(),
                                        [&](const auto& p) { return p.name == r.port.name; });
      const auto* source = plan_.find_topic(inlet.topic_id);
      auto topic = internal_topic(plan_.prefix + r.port.topic_id, source);
      topic.schema = r.port.schema;
      topic.partitions = source->partitions;
      topic.consumer = source->consumer;
      topic.properties["retention.ms"] = "-1";
      topic.properties["retention.bytes"] = topic.place.empty() ? "0" : "-1";
      if (!topic.place.empty()) topic.properties["segment.bytes"] = segment_bytes;
      if (!is_topic_name(topic.name))
        from_.report(settings::nowhere(),
                     fmt::format("'{}' is too long for the repartition topic of state {} of {}",
                                 topic.name, r.state, of_.name),
                     "shorten the names of application, streamlet or state");
      into_.push_back(std::move(topic));
    }
  }

private:
  /// On the cluster of `source`, if there is one, and as safe as it. What fits there fits here, with the headers of a
  /// dead letter.
  topic_plan internal_topic(const std::string& name, const topic_plan* source) const {
    topic_plan topic;
    topic.id = name.substr(plan_.prefix.size());
    topic.name = name;
    topic.is_internal = true;
    if (source == nullptr) return topic;
    topic.cluster = source->cluster;
    topic.place = source->place;
    topic.connection = source->connection;
    topic.producer = source->producer;
    topic.replicas = source->replicas;
    if (const auto limit = source->properties.find("max.message.bytes");
        limit != source->properties.end())
      topic.properties[limit->first] = with_room_for_headers(limit->second);
    return topic;
  }

  const streamlet_plan& of_;
  const plan& plan_;
  settings& from_;
  std::vector<topic_plan>& into_;
};

}  // namespace

void add_internal_topics(const streamlet_plan& of, const plan& whole, settings& from,
                         std::vector<topic_plan>& into) {
  internal_topics topics{of, whole, from, into};
  topics.add_dead_letters();
  topics.add_repartitions();
}

}  // namespace cloudflow::blueprint::internal
