#include "cloudflow/application/provision.hpp"

#include "cloudflow/schema/avro_schema.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace cloudflow::app {
namespace {

using blueprint::topic_plan;

error in_topic(const topic_plan& t, const std::string& message, bool is_retriable = false) {
  return within("topic " + t.name, {message, is_retriable});
}
error in_topic(const topic_plan& t, const error& e) {
  return in_topic(t, e.message, e.is_retriable);
}
error in_topic(const topic_plan& t, const pubsub::error& e) {
  return in_topic(t, e.message, e.is_retriable());
}

class provisioning {
public:
  provisioning(const blueprint::plan& plan, pubsub::backend& log, provision_mode mode)
    : plan_(plan), log_(log), is_making_(mode == provision_mode::make) {
    for (const auto& s : plan.streamlets) {
      for (const auto& inlet : s.inlets)
        for (const auto& kept : {inlet.dead_letter_topic, inlet.retry_topic})
          if (kept) kept_of_[*kept] = inlet.topic;
      for (const auto& r : s.repartitions)
        for (const auto& inlet : s.inlets)
          if (inlet.name == r.port.name) kept_of_[r.port.topic] = inlet.topic;
    }
  }

  result<topic_facts> run() {
    for (const auto& t : plan_.topics) {
      auto info = CLOUDFLOW_TRY(is_making_ ? make(t) : compare(t));
      facts_.topics.push_back(fact_of(info));
    }
    for (const auto& s : plan_.streamlets) {
      CLOUDFLOW_TRY(store_schemas_of(s, s.inlets));
      CLOUDFLOW_TRY(store_schemas_of(s, s.outlets));
      for (const auto& r : s.repartitions) CLOUDFLOW_TRY(store_schemas_of(s, {r.port}));
    }
    return std::move(facts_);
  }

private:
  // -- topics ---

  /// What is retried comes in the partition that it was in. Others may have given their topic more
  /// than is configured.
  std::int32_t wanted_partitions(const topic_plan& t) const {
    return t.retries_of ? std::max(t.partitions, facts_.topics[*t.retries_of].partitions)
                        : t.partitions;
  }

  result<pubsub::topic_info> make(const topic_plan& t) {
    auto there = log_.topic(t.name);
    if (!t.is_managed && !there) return in_topic(t, there.error());
    auto fingerprint = store(t.base_schema.empty() ? t.schema.schema : t.base_schema);
    if (!fingerprint) return in_topic(t, fingerprint.error());
    // What its producers write is not for us to say, but where it is configured.
    if (!t.is_managed && t.base_schema.empty()) return std::move(there).value();
    const auto wanted = t.is_managed ? spec_of(t, there ? &*there : nullptr, *fingerprint)
                                     : pubsub::topic_spec{.name = t.name,
                                                          .partitions = there->spec.partitions,
                                                          .base_schema = *fingerprint};
    auto made = log_.ensure_topic(wanted);
    if (!made) return in_topic(t, made.error());
    return std::move(made).value();
  }

  /// What is in a topic fits where its records are kept, with the headers of a dead letter, also
  /// where the plan leaves the limit to the log. A topic that is there keeps its limit: to change
  /// it may take a right that the application does not have. @pre `t` comes next in facts_.
  std::map<std::string, std::string> properties_of(const topic_plan& t,
                                                   const pubsub::topic_info* there) const {
    constexpr std::size_t headers = 16 * 1024;
    const std::string limit_name = "max.message.bytes";
    auto all = t.properties;
    if (there != nullptr) {
      if (const auto now = there->spec.properties.find(limit_name);
          kept_of_.contains(facts_.topics.size()) && now != there->spec.properties.end())
        all.insert(*now);
      return all;
    }
    const auto source = kept_of_.find(facts_.topics.size());
    if (source == kept_of_.end() || source->second >= facts_.topics.size()) return all;
    if (const auto limit = facts_.topics[source->second].record_limit)
      all.try_emplace(limit_name, std::to_string(*limit + headers));
    return all;
  }

  /// The base schema is recorded when a topic is created, or first met; producers with another one
  /// say so in a header.
  pubsub::topic_spec spec_of(const topic_plan& t, const pubsub::topic_info* there,
                             const std::string& own_base) const {
    const bool has_base = there != nullptr && !there->spec.base_schema.empty();
    return {.name = t.name,
            .partitions = wanted_partitions(t),
            .properties = properties_of(t, there),
            .base_schema = has_base ? there->spec.base_schema : own_base,
            .replication = static_cast<std::int16_t>(t.replicas),
            .may_grow = t.retries_of.has_value()};
  }

  result<pubsub::topic_info> compare(const topic_plan& t) {
    auto there = log_.topic(t.name);
    if (!there)
      return in_topic(t, there.error().message +
                             (t.is_managed ? " Whoever deploys the application makes it." : ""));
    const auto count = static_cast<std::int32_t>(there->partitions.size());
    const auto wanted = wanted_partitions(t);
    if (t.is_managed && (t.retries_of ? count < wanted : count != wanted))
      return in_topic(t, fmt::format("it has {} partitions, but the plan says {}.", count, wanted));
    if (auto stored = store(t.base_schema.empty() ? t.schema.schema : t.base_schema); !stored)
      return in_topic(t, stored.error());
    return std::move(there).value();
  }

  // -- schemas ---

  result<void> store_schemas_of(const blueprint::streamlet_plan& s,
                                const std::vector<blueprint::port_plan>& ports) {
    for (const auto& port : ports)
      if (auto stored = store(port.schema.schema); !stored)
        return error{
            fmt::format("streamlet {}: port {}: {}", s.name, port.name, stored.error().message),
            stored.error().is_retriable};
    return {};
  }

  /// The fingerprint; empty when it is no Avro (raw bytes): there is nothing to store.
  result<std::string> store(const std::string& schema) {
    if (schema.empty()) return std::string{};
    const auto parsed = schema::parse_avro(schema);
    if (!parsed) return std::string{};
    auto fingerprint = parsed->fingerprint();
    if (!is_making_) return expect_stored(std::move(fingerprint));
    if (auto put = log_.schemas().put(fingerprint, schema); !put)
      return pubsub::plain(std::move(put).error());
    return fingerprint;
  }

  result<std::string> expect_stored(std::string fingerprint) {
    const auto found = log_.schemas().find(fingerprint);
    if (!found) return pubsub::plain(found.error());
    if (!*found)
      return error{
          "its schema is not stored in the log. Whoever deploys the application stores it."};
    return fingerprint;
  }

  const blueprint::plan& plan_;
  pubsub::backend& log_;
  const bool is_making_;
  std::map<std::size_t, std::size_t> kept_of_;  ///< by internal topic: whose records it keeps
  topic_facts facts_;
};

}  // namespace

result<topic_facts> provision(const blueprint::plan& plan, pubsub::backend& log,
                              provision_mode mode) {
  return provisioning{plan, log, mode}.run();
}

}  // namespace cloudflow::app
