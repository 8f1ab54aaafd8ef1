#include "cloudflow/cli/release.hpp"

#include "cloudflow/application/interpretation.hpp"
#include "cloudflow/application/kubernetes_names.hpp"
#include "cloudflow/blueprint/custom_resource.hpp"
#include "cloudflow/config/layers.hpp"

#include <fmt/format.h>

#include <utility>
#include <vector>

namespace cloudflow::cli {
namespace {

using nlohmann::json;

std::string joined(const std::vector<config::problem>& problems) {
  std::string all;
  for (const auto& p : problems) all += config::to_string(p) + "\n";
  return all;
}

/// Files over each other, arguments over all of them.
result<config::document> document_of(const app::configuration_arguments& arguments) {
  const auto layers = config::load_layers(arguments.files, arguments.assignments);
  if (!layers) return error{joined(layers.error())};
  return *layers;
}

/// An array of the resource's spec; empty where there is none.
json& list_in(json& resource, const char* name) {
  auto& list = resource["spec"][name];
  if (!list.is_array()) list = json::array();
  return list;
}

result<json> parsed_resource(const std::string& text) {
  auto resource = json::parse(text, nullptr, false);
  if (!resource.is_object() || !resource.contains("spec") || !resource["spec"].is_object())
    return error{
        "Failed to read the file contents for the CR - please check if the file exists or it has a "
        "bad formatting"};
  const auto& spec = resource["spec"];
  const auto text_of = [&](const char* name) {
    return spec.contains(name) && spec[name].is_string() ? spec[name].get<std::string>() : "";
  };
  if (text_of("version").empty())
    return error{"Application file parse error: spec.version is missing or empty"};
  if (text_of("version").find_first_not_of("0123456789") != std::string::npos)
    return error{"Application file parse error: spec.version is invalid"};
  if (text_of("library_version").empty())
    return error{"Application file parse error: spec.library_version is missing, empty or invalid"};
  if (text_of("app_id").empty())
    return error{"Application file parse error: spec.app_id is missing or empty"};
  return resource;
}

/// How many of each streamlet the cluster has been told to run.
std::map<std::string, std::int32_t> replicas_in(const json& resource) {
  std::map<std::string, std::int32_t> found;
  if (!resource.contains("spec") || !resource["spec"].contains("deployments")) return found;
  for (const auto& d : resource["spec"]["deployments"])
    if (d.contains("replicas") && d["replicas"].is_number_integer())
      found[d.value("streamlet_name", "")] = d["replicas"].get<std::int32_t>();
  return found;
}

/// The claims of one list of mounts; the ones that are missing are added to `missing`.
void set_claims(json& mounts, const std::string& streamlet,
                const std::map<std::string, std::string>& claims, std::set<std::string>& missing) {
  if (!mounts.is_array()) return;
  for (auto& m : mounts) {
    const auto key = fmt::format("{}.{}", streamlet, m.value("name", ""));
    if (const auto found = claims.find(key); found != claims.end())
      m["pvc_name"] = found->second;
    else
      missing.insert(key);
  }
}

bool has_mount(const json& resource, const std::string& streamlet, const std::string& mount) {
  for (const auto& s : resource["spec"]["streamlets"]) {
    if (s.value("name", "") != streamlet || !s.contains("descriptor")) continue;
    for (const auto& m : s["descriptor"].value("volume_mounts", json::array()))
      if (m.value("name", "") == mount) return true;
  }
  return false;
}

bool has_streamlet(const json& resource, const std::string& streamlet) {
  for (const auto& s : resource["spec"]["streamlets"])
    if (s.value("name", "") == streamlet) return true;
  return false;
}

result<void> check_claims(const json& resource, const std::map<std::string, std::string>& claims,
                          const std::set<std::string>& known) {
  for (const auto& [key, claim] : claims) {
    const auto dot = key.rfind('.');
    if (dot == std::string::npos || claim.empty())
      return error{
          "--volume-mount argument is invalid, please provide as --volume-mount "
          "<streamlet-name>.<volume-mount-name>=<pvc-name>"};
    const auto streamlet = key.substr(0, dot), mount = key.substr(dot + 1);
    if (!has_streamlet(resource, streamlet))
      return error{fmt::format("Cannot find streamlet '{}' in --volume-mount argument", streamlet)};
    if (!has_mount(resource, streamlet, mount))
      return error{
          fmt::format("Cannot find volume mount name '{}' for streamlet '{}' in --volume-mount "
                      "argument",
                      mount, streamlet)};
    if (!known.contains(claim))
      return error{fmt::format(
          "Cannot find persistent volume claim '{}' specified via --volume-mount argument.",
          claim)};
  }
  return {};
}

result<void> set_all_claims(json& resource, const std::map<std::string, std::string>& claims,
                            const std::set<std::string>& known) {
  CLOUDFLOW_TRY(check_claims(resource, claims, known));
  std::set<std::string> missing;
  for (auto& d : list_in(resource, "deployments"))
    if (d.contains("volume_mounts"))
      set_claims(d["volume_mounts"], d.value("streamlet_name", ""), claims, missing);
  for (auto& s : list_in(resource, "streamlets"))
    if (s.contains("descriptor") && s["descriptor"].contains("volume_mounts"))
      set_claims(s["descriptor"]["volume_mounts"], s.value("name", ""), claims, missing);
  if (missing.empty()) return {};
  std::string all =
      "Please provide persistent volume name[s] with --volume-mount argument[s] (replace "
      "'pvc-name'[s] with correct value[s]):";
  for (const auto& key : missing) all += fmt::format("\n--volume-mount {}=pvc-name", key);
  return error{std::move(all)};
}

/// Makes the plan of it, as the operator will, and puts the two together: the environment of this
/// process goes into the configuration, which becomes one line of JSON.
result<release> completed(json resource, const app::configuration_arguments& arguments,
                          const std::map<std::string, std::string>& kafka_clusters) {
  constexpr config::document::resolve_options with_environment{.environment =
                                                                   config::process_environment};
  const auto document = CLOUDFLOW_TRY(document_of(arguments));
  const auto app =
      CLOUDFLOW_TRY(app::interpret(resource.dump(), document, kafka_clusters, with_environment));
  auto text = config::to_json(app.configuration);
  resource["metadata"]["annotations"][app::annotation_configuration] = app::short_hash(text);
  return release{
      .resource = std::move(resource), .configuration = std::move(text), .warnings = app.warnings};
}

}  // namespace

json client_labels(const std::string& app) {
  return {{app::label_managed_by, app::managed_by},
          {app::label_part_of, app},
          {app::label_app_id, app}};
}

result<release> release_of(const release_options& what, const cluster_view& cluster) {
  auto given = CLOUDFLOW_TRY(parsed_resource(what.resource));
  const auto id = given["spec"]["app_id"].get<std::string>();
  json resource{
      {"apiVersion", blueprint::custom_resource_version},
      {"kind", blueprint::custom_resource_kind},
      {"metadata",
       {{"name", id},
        {"namespace", what.name_space.empty() ? id : what.name_space},
        {"labels", client_labels(id)},
        {"annotations", {{"com.lightbend.cloudflow/created-by-cli-version", what.cli_version}}}}},
      {"spec", std::move(given["spec"])}};
  if (!what.service_account.empty()) resource["spec"]["service_account"] = what.service_account;
  if (list_in(resource, "deployments").empty())
    return error{"The application specification doesn't contains deployments"};
  auto replicas =
      cluster.deployed ? replicas_in(*cluster.deployed) : std::map<std::string, std::int32_t>{};
  // One that this version does not have any more is nothing to scale.
  std::erase_if(replicas, [&](const auto& r) { return !has_streamlet(resource, r.first); });
  for (const auto& [streamlet, n] : what.scale) replicas[streamlet] = n;
  resource = CLOUDFLOW_TRY(scaled(std::move(resource), replicas));
  CLOUDFLOW_TRY(set_all_claims(resource, what.claims, cluster.claims));
  return completed(std::move(resource), what.configuration, cluster.kafka_clusters);
}

result<release> reconfigured(const json& resource,
                             const app::configuration_arguments& configuration,
                             const std::map<std::string, std::string>& kafka_clusters) {
  return completed(resource, configuration, kafka_clusters);
}

result<json> scaled(json resource, const std::map<std::string, std::int32_t>& scale) {
  std::vector<std::string> unknown;
  for (const auto& [streamlet, n] : scale)
    if (!has_streamlet(resource, streamlet)) unknown.push_back(streamlet);
  if (!unknown.empty())
    return error{fmt::format("Streamlets to scale: [{}] are not present in the application spec",
                             fmt::join(unknown, ", "))};
  for (auto& d : list_in(resource, "deployments"))
    if (const auto n = scale.find(d.value("streamlet_name", "")); n != scale.end())
      d["replicas"] = n->second;
  return resource;
}

}  // namespace cloudflow::cli
