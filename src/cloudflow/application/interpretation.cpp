#include "cloudflow/application/interpretation.hpp"

#include "cloudflow/blueprint/problem.hpp"
#include "cloudflow/blueprint/resolve.hpp"

#include <fmt/format.h>

#include <utility>
#include <vector>

namespace cloudflow::app {

namespace {

using documents = cloudflow::result<config::document, std::vector<config::problem>>;

result<config::document> checked(documents parsed) {
  if (parsed) return std::move(parsed).value();
  std::string all;
  for (const auto& p : parsed.error()) all += config::to_string(p) + "\n";
  return error{std::move(all)};
}

result<config::value> resolved(const config::document& document,
                               const config::document::resolve_options& how) {
  const auto value = document.resolve(how);
  if (value) return *value;
  std::string all;
  for (const auto& p : value.error()) all += config::to_string(p) + "\n";
  return error{std::move(all)};
}

result<config::document> document_of(const std::string& text, std::string source) {
  return checked(config::parse_text(text, std::move(source), config::include_policy::refuse));
}

/// Clusters below the configuration: what an application says of one counts.
result<config::document> document_of_clusters(const std::map<std::string, std::string>& clusters) {
  auto all = CLOUDFLOW_TRY(document_of("", "Kafka clusters"));
  for (const auto& [name, text] : clusters) {
    const auto source = fmt::format("Kafka cluster {}", name);
    const auto given = CLOUDFLOW_TRY(document_of(text, source));
    const auto content = CLOUDFLOW_TRY(resolved(given, {}));
    // As a value of its own, so that it cannot end before its place does.
    const auto placed = fmt::format("cloudflow.kafka.clusters.\"{}\" = {}", name,
                                    content.is_object() ? config::to_json(content) : "{}");
    const auto document = CLOUDFLOW_TRY(document_of(placed, source));
    all = document.over(all);
  }
  return all;
}

/// Several processes of it would write over each other's state.
result<void> expect_divisible(const blueprint::streamlet_plan& s) {
  if (s.replicas <= 1 || !s.inlets.empty() || s.states.empty()) return {};
  return error{fmt::format(
      "streamlet {} keeps state and has no inlets, by whose partitions that could be divided: it "
      "can have one replica, and is to have {}. Scale it to 1; let another streamlet behind it "
      "keep the state.",
      s.name, s.replicas)};
}

}  // namespace

result<interpretation> interpret(const std::string& resource_text, const config::document& own,
                                 const std::map<std::string, std::string>& kafka_clusters,
                                 const config::document::resolve_options& how) {
  auto resource = CLOUDFLOW_TRY(blueprint::custom_resource_from_json(resource_text));
  auto configuration = CLOUDFLOW_TRY(resolved(own, how));
  const auto clusters = CLOUDFLOW_TRY(document_of_clusters(kafka_clusters));
  const auto all = CLOUDFLOW_TRY(resolved(own.over(clusters), how));
  blueprint::resolve_options options;
  for (const auto& d : resource.deployments)
    if (d.replicas) options.replicas[d.streamlet] = *d.replicas;
  auto made = blueprint::resolve(resource.app, all, options);
  if (!made.result) return error{blueprint::to_string(made.problems)};
  std::vector<pod_settings> pods;
  for (const auto& s : made.result->streamlets) {
    CLOUDFLOW_TRY(expect_divisible(s));
    auto settings = CLOUDFLOW_TRY(pod_settings_of(configuration, s.runtime, s.name));
    pods.push_back(std::move(settings));
  }
  return interpretation{.resource = std::move(resource),
                        .configuration = std::move(configuration),
                        .plan = *std::move(made.result),
                        .secrets = std::move(made.secrets),
                        .pods = std::move(pods),
                        .warnings = blueprint::to_string(made.problems)};
}

result<interpretation> interpret(const application_input& in) {
  if (in.configuration) {
    const auto own = CLOUDFLOW_TRY(document_of(*in.configuration, "configuration Secret"));
    return interpret(in.resource, own, in.kafka_clusters, {});
  }
  const auto resource = CLOUDFLOW_TRY(blueprint::custom_resource_from_json(in.resource));
  const auto own = CLOUDFLOW_TRY(document_of(resource.configuration, "spec.configuration"));
  return interpret(in.resource, own, in.kafka_clusters, {});
}

}  // namespace cloudflow::app
