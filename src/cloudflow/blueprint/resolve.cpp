#include "cloudflow/blueprint/resolve.hpp"

#include "cloudflow/blueprint/internal/settings.hpp"
#include "cloudflow/blueprint/internal/value_reader.hpp"
#include "cloudflow/blueprint/names.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace cloudflow::blueprint {
namespace {

using internal::settings;

class resolver {
public:
  resolver(const application& app, const config::value& configuration,
           const resolve_options& options)
    : app_(app), options_(options), from_(configuration, problems_) {}

  resolution run() && {
    check_sections();
    plan_.app_id = app_.id;
    plan_.app_version = app_.version;
    plan_.prefix = prefix();
    plan_.transactional_id_prefix = plan_.names().transactional_id_prefix();
    plan_.topics = internal::resolve_topics(app_, plan_.prefix, from_);
    for (const auto& s : app_.blueprint.streamlets) {
      const auto before = problems_.size();
      auto streamlet = resolve(s);
      const auto is_sound = problems_.size() == before;
      if (is_sound) {
        check_guarantee(streamlet);
        check_state(streamlet, s.descriptor.states);
      }
      // The embedded log commits everything exactly once, which is at least once and at most once
      // as well.
      if (!is_on_kafka(streamlet) && streamlet.runtime == "native")
        streamlet.guarantee = delivery::exactly_once;
      internal::add_internal_topics(streamlet, s.descriptor.has_sources, plan_, from_);
      plan_.streamlets.push_back(std::move(streamlet));
    }
    internal::check_names_on_logs(plan_, from_);
    sort_by_position(problems_);
    resolution out{
        .result = std::nullopt, .secrets = from_.secrets(), .problems = std::move(problems_)};
    if (!has_errors(out.problems)) out.result = std::move(plan_);
    return out;
  }

private:
  void check_sections() {
    static const std::vector<std::string> sections{"config-parameters", "config", "kubernetes",
                                                   "volume-mounts"};
    if (const auto* all = from_.object_at({"cloudflow"})) warn_of_typos(*all);
    const auto* given = from_.object_at({"cloudflow", "streamlets"});
    if (given == nullptr) return;
    std::vector<std::string> names;
    for (const auto& s : app_.blueprint.streamlets) names.push_back(s.name);
    from_.check_keys(*given, "cloudflow.streamlets", names,
                     "Configuration contains streamlets: [{key}] that are not present in the CR, "
                     "available streamlets are [{known}]");
    for (const auto& name : names)
      if (const auto* section = from_.object_at({"cloudflow", "streamlets", name}))
        from_.check_keys(*section, "cloudflow.streamlets." + name, sections,
                         "Unknown key '{path}.{key}'.");
  }

  /// What nobody reads is pointed out: 2.3 refuses it, but other tools may keep sections of their
  /// own there.
  void warn_of_typos(const config::value& section) {
    static const std::vector<std::string> sections{"streamlets", "topics", "runtimes",
                                                   "kafka",      "runner", "internal"};
    for (const auto& m : *section.as_object()) {
      if (std::find(sections.begin(), sections.end(), m.key) != sections.end()) continue;
      from_.report(m.where, fmt::format("Unknown key 'cloudflow.{}'.", m.key),
                   suggest(m.key, sections), problem_kind::unknown_key, severity::warning);
    }
  }

  /// State belongs to a partition: all records of a key have to come in the same one, whatever the
  /// inlet.
  void check_state(const streamlet_plan& s, const std::vector<state_descriptor>& states) {
    if (states.empty()) return;
    const topic_plan* first = nullptr;
    for (const auto& inlet : s.inlets) {
      const auto* topic = &topic_of(inlet);
      for (const auto& state : states)
        if (must_move(inlet, state) && state.repartition.fingerprint.empty())
          report_unkeyed(s, inlet, state, *topic);
      if (first != nullptr && first->partitions != topic->partitions)
        from_.report(
            settings::nowhere(),
            fmt::format(
                "streamlet {} keeps state over topics with different numbers of partitions: {} has "
                "{}, {} has {}",
                s.name, first->id, first->partitions, topic->id, topic->partitions),
            "give both topics the same number of partitions");
      if (first == nullptr) first = topic;
    }
  }

  /// Records of one key may be in several partitions.
  bool must_move(const port_plan& inlet, const state_descriptor& state) const {
    return state.inlet == inlet.name && topic_of(inlet).partitions > 1 &&
           !state.is_keyed_by(inlet.key);
  }

  const topic_plan& topic_of(const port_plan& port) const { return plan_.topics[port.topic]; }

  void report_unkeyed(const streamlet_plan& s, const port_plan& inlet,
                      const state_descriptor& state, const topic_plan& topic) {
    const auto& record = state.repartition.name;
    from_.report(
        settings::nowhere(),
        fmt::format(
            "streamlet {} keeps state {}, but its inlet {} {}, and topic {} has {} partitions{}",
            s.name, state.name, inlet.name,
            inlet.key.empty() ? "does not say by what its records are keyed"
                              : fmt::format("is keyed by {}, which is not its key", inlet.key),
            topic.id, topic.partitions,
            record.empty() ? ""
                           : fmt::format("; and the records at key_by cannot be "
                                         "repartitioned: {} has no schema",
                                         record)),
        fmt::format(
            "{}{}or give the topic one partition",
            inlet.key.empty() ? "declare the inlet with keyed_by(...), " : "",
            record.empty() ? "" : "map() to a plain struct that owns its data before key_by, "));
  }

  /// Through a topic of their own, where all records of a key come in one partition.
  std::vector<repartition_plan> repartitions_of(const streamlet_plan& s,
                                                const std::vector<state_descriptor>& states) const {
    std::vector<repartition_plan> all;
    for (std::size_t i = 0; i != states.size(); ++i)
      for (const auto& inlet : s.inlets) {
        const auto& state = states[i];
        if (!must_move(inlet, state) || state.repartition.fingerprint.empty()) continue;
        all.emplace_back(repartition_plan{i, inlet}).port.schema = state.repartition;
      }
    return all;
  }

  std::vector<window_plan> windows_of(const verified_streamlet& s) {
    std::vector<window_plan> all;
    const auto& states = s.descriptor.states;
    for (std::size_t i = 0; i != states.size(); ++i) {
      if (states[i].window.empty()) continue;
      all.push_back({.state = i,
                     .on_bad_window = read_word<bad_record_policy>(
                         s, {"cloudflow", "states", states[i].name, "on-bad-window"},
                         {bad_record_policy::dead_letter, bad_record_policy::fail})});
    }
    return all;
  }

  std::chrono::milliseconds idle_timeout_of(const verified_streamlet& s) {
    const auto otherwise = streamlet_plan{}.idle_timeout;
    const auto* v = from_.config_of(s, {"cloudflow", "idle-timeout"});
    if (v == nullptr) return otherwise;
    const auto text = v->text().value_or(std::string{internal::type_name(*v)});
    const auto duration = config::parse_duration(text);
    if (duration && *duration > std::chrono::nanoseconds{0})
      return std::chrono::ceil<std::chrono::milliseconds>(*duration);
    from_.report(v->where(),
                 fmt::format("cloudflow.idle-timeout of streamlet {} is '{}', expected a duration",
                             s.name, text),
                 "write for example cloudflow.idle-timeout = 1 minute");
    return otherwise;
  }

  std::string prefix() {
    const auto* kafka = from_.object_at({"cloudflow", "kafka"});
    const auto* v = kafka == nullptr ? nullptr : kafka->get("prefix");
    if (v == nullptr || v->is_null()) return {};
    const auto text = v->text();
    if (text && (text->empty() || is_topic_name(*text + "x"))) return *text;
    from_.report(v->where(),
                 fmt::format("cloudflow.kafka.prefix '{}' cannot begin a topic's name",
                             text.value_or(std::string{internal::type_name(*v)})),
                 "use letters of a to z, digits, '.', '_' and '-'");
    return {};
  }

  streamlet_plan resolve(const verified_streamlet& s) {
    const auto& d = s.descriptor;
    streamlet_plan out;
    out.name = s.name;
    out.class_name = d.class_name;
    out.runtime = d.runtime;
    if (const auto n = options_.replicas.find(s.name); n != options_.replicas.end())
      out.replicas = n->second;
    out.states = plan_states(s.name, d.states);
    out.event_time_store = pubsub::event_time_store(s.name);
    out.has_server = std::any_of(d.attributes.begin(), d.attributes.end(),
                                 [](const auto& a) { return a.attribute_name == "server"; });
    internal::resolve_parameters(s, options_, from_, out);
    internal::resolve_mounts(s, options_, from_, out);
    check_names(s);
    for (const auto& p : d.inlets) out.inlets.push_back(resolve_inlet(s, p));
    for (const auto& p : d.outlets) out.outlets.push_back(resolve_port(s, p, true));
    // One group, so that the partitions of inlets which share state move together.
    if (!d.states.empty() && !out.inlets.empty()) {
      const auto group = first_by_name(out.inlets).group;
      for (auto& inlet : out.inlets) inlet.group = group;
    }
    out.repartitions = repartitions_of(out, d.states);
    out.windows = windows_of(s);
    find_home_of(out);
    out.idle_timeout = idle_timeout_of(s);
    out.guarantee = resolve_guarantee(s, out);
    return out;
  }

  /// Names that are made of it outlive a process, and the author may put the members in another
  /// order. @pre there is one.
  static const port_plan& first_by_name(const std::vector<port_plan>& ports) {
    return *std::ranges::min_element(ports, {}, &port_plan::name);
  }

  /// Where its input comes from, or else its output goes.
  void find_home_of(streamlet_plan& s) const {
    const auto& ports = s.inlets.empty() ? s.outlets : s.inlets;
    if (!ports.empty()) s.state_cluster_key = topic_of(first_by_name(ports)).cluster_key;
    for (const auto& inlet : s.inlets)
      s.partitions = std::max(s.partitions, topic_of(inlet).partitions);
    if (!s.states.empty() && !s.state_cluster_key.empty())
      s.changelog_topic = plan_.names().changelog_topic(s.name);
  }

  /// On Kafka exactly-once has its price, and is the default only where state would count twice
  /// without it.
  delivery resolve_guarantee(const verified_streamlet& s, const streamlet_plan& of) {
    const auto configured = read_word<delivery>(
        s, {"cloudflow", "delivery"},
        {delivery::exactly_once, delivery::at_least_once, delivery::at_most_once});
    const bool is_configured = from_.config_of(s, {"cloudflow", "delivery"}) != nullptr;
    if (!is_on_kafka(of)) return configured;
    if (!is_configured && of.states.empty()) return delivery::at_least_once;
    if (configured == delivery::at_most_once)
      from_.report(settings::nowhere(),
                   fmt::format("Streamlet {} cannot be at-most-once on Kafka", s.name),
                   fmt::format("write cloudflow.streamlets.{}.config.cloudflow.delivery = "
                               "at-least-once",
                               s.name));
    return configured;
  }

  bool is_on_kafka(const streamlet_plan& s) const {
    const auto is_there = [this](const port_plan& p) { return !topic_of(p).cluster_key.empty(); };
    return std::any_of(s.inlets.begin(), s.inlets.end(), is_there) ||
           std::any_of(s.outlets.begin(), s.outlets.end(), is_there);
  }

  port_plan resolve_port(const verified_streamlet& s, const port_descriptor& p, bool is_outlet) {
    port_plan out;
    out.name = p.name;
    out.schema = p.schema;
    out.key = p.key;
    const auto path = s.name + "." + p.name;
    // Verified: every port has a topic.
    for (std::size_t i = 0; i != plan_.topics.size(); ++i) {
      const auto& ports = is_outlet ? plan_.topics[i].producers : plan_.topics[i].consumers;
      if (std::find(ports.begin(), ports.end(), path) != ports.end()) out.topic = i;
    }
    return out;
  }

  port_plan resolve_inlet(const verified_streamlet& s, const port_descriptor& p) {
    auto out = resolve_port(s, p, false);
    out.group = plan_.names().group(s.name, p.name);
    out.on_bad_record = read_word<bad_record_policy>(
        s, {"cloudflow", "inlets", p.name, "on-bad-record"},
        {bad_record_policy::dead_letter, bad_record_policy::skip, bad_record_policy::fail});
    return out;
  }

  void check_names(const verified_streamlet& s) {
    std::vector<std::string> inlets, windows;
    for (const auto& p : s.descriptor.inlets) inlets.push_back(p.name);
    for (const auto& state : s.descriptor.states)
      if (!state.window.empty()) windows.push_back(state.name);
    if (const auto* given = from_.config_of(s, {"cloudflow", "inlets"}))
      from_.check_keys(*given, s.name, inlets, "Streamlet {path} has no inlet '{key}'.");
    if (const auto* given = from_.config_of(s, {"cloudflow", "states"}))
      from_.check_keys(*given, s.name, windows,
                       "Streamlet {path} has no state '{key}' with windows.");
  }

  /// One of the words of an enumeration; the first of them if nothing is configured.
  template <class Word>
  Word read_word(const verified_streamlet& s, std::initializer_list<std::string_view> path,
                 std::initializer_list<Word> words) {
    const auto* v = from_.config_of(s, path);
    if (v == nullptr) return *words.begin();
    const auto text = v->text().value_or(std::string{internal::type_name(*v)});
    std::vector<std::string> texts;
    for (const auto word : words) {
      if (to_string(word) == text) return word;
      texts.emplace_back(to_string(word));
    }
    from_.report(v->where(),
                 fmt::format("{} of streamlet {} is '{}', expected one of {}", fmt::join(path, "."),
                             s.name, text, fmt::join(texts, ", ")),
                 did_you_mean(text, texts));
    return *words.begin();
  }

  /// What is committed together has to be on one cluster.
  void check_guarantee(const streamlet_plan& s) {
    if (s.guarantee != delivery::exactly_once) return;
    std::vector<std::string> places;
    std::optional<std::string> first;
    auto differs = false;
    const auto add = [&](const port_plan& p) {
      const auto& topic = topic_of(p);
      const auto& place = topic.cluster_key.empty() ? topic.cluster : topic.cluster_key;
      if (!first) first = place;
      differs = differs || *first != place;
      places.push_back(fmt::format("{} on {}", p.name, place.empty() ? "the default one" : place));
    };
    for (const auto& p : s.inlets) add(p);
    for (const auto& p : s.outlets) add(p);
    if (!differs) return;
    from_.report(
        settings::nowhere(),
        fmt::format("Streamlet {} cannot be exactly-once: its ports are on different Kafka "
                    "clusters ({})",
                    s.name, fmt::join(places, ", ")),
        fmt::format("write cloudflow.streamlets.{}.config.cloudflow.delivery = "
                    "at-least-once, or put its topics on one cluster",
                    s.name));
  }

  const application& app_;
  const resolve_options& options_;
  std::vector<problem> problems_;
  settings from_;
  plan plan_;
};

}  // namespace

resolution resolve(const application& app, const config::value& configuration,
                   const resolve_options& options) {
  return resolver{app, configuration, options}.run();
}

}  // namespace cloudflow::blueprint
