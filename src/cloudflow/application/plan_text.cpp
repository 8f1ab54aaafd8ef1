#include "cloudflow/application/plan_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <iterator>
#include <string_view>

namespace cloudflow::app {
namespace {

using blueprint::port_plan, blueprint::streamlet_plan, blueprint::topic_plan;

class description {
public:
  explicit description(const blueprint::plan& plan) : plan_(plan) {}

  std::string write() {
    line("{} {}", plan_.app_id, plan_.app_version);
    if (!plan_.prefix.empty()) line("  prefix {}", plan_.prefix);
    line("  transactional ids {}...", plan_.transactional_id_prefix);
    for (const auto& s : plan_.streamlets) add(s);
    for (const auto& t : plan_.topics) add(t);
    return std::move(text_);
  }

private:
  template <class... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
    text_ += '\n';
  }

  static std::string_view or_embedded(const std::string& cluster_key) {
    return cluster_key.empty() ? "the embedded log" : std::string_view{cluster_key};
  }

  void add(const streamlet_plan& s) {
    line("\nstreamlet {}: {}, {}, {} x{}", s.name, s.class_name, to_string(s.guarantee), s.runtime,
         s.replicas);
    for (const auto& port : s.inlets) add_inlet(port);
    for (const auto& port : s.outlets) line("  {} -> {}", port.name, plan_.topics[port.topic].id);
    for (const auto& r : s.repartitions)
      line("  {} repartitioned for {} through {}", r.port.name, s.states[r.state].name,
           plan_.topics[r.port.topic].name);
    for (const auto& state : s.states)
      line("  state {}: store {}, {} {}, in {}{}{}", state.name, state.store, s.partitions,
           s.partitions == 1 ? "partition" : "partitions", or_embedded(s.state_cluster_key),
           s.changelog_topic.empty() ? "" : ", changelog ", s.changelog_topic);
    for (const auto& w : s.windows)
      line("  windows of {}: bad ones: {}{}", s.states[w.state].name, to_string(w.on_bad_window),
           w.dead_letter_topic ? " to " + plan_.topics[*w.dead_letter_topic].name : "");
    if (s.dead_letter_topic)
      line("  bad records of its sources to {}", plan_.topics[*s.dead_letter_topic].name);
    add_settings("parameter", s.parameters);
    for (const auto& [name, directory] : s.mounts) line("  mount {} = {}", name, directory);
  }

  void add_inlet(const port_plan& port) {
    std::string letters{to_string(port.on_bad_record)};
    if (port.dead_letter_topic) letters += " to " + plan_.topics[*port.dead_letter_topic].name;
    if (port.retry_topic) letters += ", retries from " + plan_.topics[*port.retry_topic].name;
    line("  {} <- {}, group {}, bad records: {}", port.name, plan_.topics[port.topic].id,
         port.group, letters);
  }

  void add(const topic_plan& t) {
    line("\ntopic {}{}: {} {}, in {}{}{}", t.id, t.name == t.id ? "" : " named " + t.name,
         t.partitions, t.partitions == 1 ? "partition" : "partitions", or_embedded(t.cluster_key),
         t.is_internal ? ", internal" : "", t.is_managed ? "" : ", managed by others");
    if (!t.schema.name.empty()) line("  schema {} ({})", t.schema.name, t.schema.format);
    if (!t.producers.empty()) line("  from {}", fmt::join(t.producers, ", "));
    if (!t.consumers.empty()) line("  to {}", fmt::join(t.consumers, ", "));
    for (const auto& [name, value] : t.properties) line("  property {} = {}", name, value);
    add_settings("connection", t.connection);
    add_settings("producer", t.producer);
    add_settings("consumer", t.consumer);
  }

  void add_settings(std::string_view what, const blueprint::settings_by_name& settings) {
    for (const auto& [name, value] : settings)
      line("  {} {} = {}", what, name,
           value.is_secret() ? fmt::format("(secret: {})", value.secret_path) : value.text);
  }

  const blueprint::plan& plan_;
  std::string text_;
};

}  // namespace

std::string to_text(const blueprint::plan& plan) { return description{plan}.write(); }

}  // namespace cloudflow::app
