#include "cloudflow/blueprint/custom_resource.hpp"

#include "cloudflow/blueprint/internal/descriptor_json.hpp"
#include "cloudflow/blueprint/names.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace cloudflow::blueprint {
namespace {

using json = nlohmann::ordered_json;

bool has_server(const streamlet_descriptor& d) {
  return std::any_of(d.attributes.begin(), d.attributes.end(),
                     [](const auto& a) { return a.attribute_name == "server"; });
}

/// `a.b.c` set to `value`, as nested objects.
json nested(std::string_view dotted_path, json value) {
  const auto dot = dotted_path.rfind('.');
  if (dot == std::string_view::npos) return json{{std::string{dotted_path}, std::move(value)}};
  return nested(dotted_path.substr(0, dot),
                json{{std::string{dotted_path.substr(dot + 1)}, std::move(value)}});
}

json server_config(const streamlet_descriptor& d) {
  for (const auto& a : d.attributes)
    if (a.attribute_name == "server") return nested(a.config_path, server_port);
  return json::object();
}

json port_mapping(const verified_topic& topic) {
  json out{{"id", topic.id}};
  if (!topic.cluster.empty()) out["cluster"] = topic.cluster;
  auto config = json::parse(config::to_json(topic.kafka_config), nullptr, false);
  out["config"] = config.is_object() ? std::move(config) : json::object();
  return out;
}

json port_mappings(const application& app, const std::string& streamlet) {
  auto out = json::object();
  const auto prefix = streamlet + ".";
  const auto add = [&](const std::vector<std::string>& paths, const verified_topic& topic) {
    for (const auto& path : paths)
      if (path.starts_with(prefix) && path.find('.', prefix.size()) == std::string::npos)
        out[path.substr(prefix.size())] = port_mapping(topic);
  };
  for (const auto& topic : app.blueprint.topics) {
    add(topic.consumers, topic);
    add(topic.producers, topic);
  }
  return out;
}

json deployment_to_json(const application& app, const verified_streamlet& s, const packaging& how) {
  const auto& d = s.descriptor;
  const auto image = how.images.find(s.name);
  json out{{"name", app.id + "." + s.name},
           {"runtime", d.runtime},
           {"image", image == how.images.end() ? how.image : image->second},
           {"streamlet_name", s.name},
           {"class_name", d.class_name}};
  if (has_server(d))
    out["endpoint"] =
        json{{"app_id", app.id}, {"streamlet", s.name}, {"container_port", server_port}};
  out["secret_name"] = to_dns_subdomain(s.name);
  out["config"] = server_config(d);
  out["port_mappings"] = port_mappings(app, s.name);
  for (const auto& m : d.volume_mounts) out["volume_mounts"].push_back(internal::mount_to_json(m));
  return out;
}

/// The operator plans native streamlets; whoever runs others has the texts in their images.
bool needs_schema_texts(const verified_streamlet& s) { return s.descriptor.runtime == "native"; }

json spec(const application& app, const packaging& how) {
  json out{{"app_id", app.id},
           {"app_version", app.version},
           {"version", descriptor_version},
           {"library_version", how.library_version},
           {"agent_paths", how.agent_paths},
           {"streamlets", json::array()},
           {"deployments", json::array()}};
  for (const auto& s : app.blueprint.streamlets) {
    out["streamlets"].push_back(
        json{{"name", s.name},
             {"descriptor", internal::descriptor_to_json(s.descriptor, needs_schema_texts(s))}});
    out["deployments"].push_back(deployment_to_json(app, s, how));
  }
  return out;
}

}  // namespace

std::string to_spec_json(const application& app, const packaging& how) {
  return internal::dump(spec(app, how));
}

std::string to_custom_resource_json(const application& app, const packaging& how) {
  const json resource{
      {"apiVersion", custom_resource_version},
      {"kind", custom_resource_kind},
      {"metadata",
       {{"annotations", {{"com.lightbend.cloudflow/created-by-cli-version", how.cli_version}}},
        {"labels",
         {{"app.kubernetes.io/managed-by", "cloudflow"},
          {"app.kubernetes.io/part-of", app.id},
          {"com.lightbend.cloudflow/app-id", app.id}}},
        {"name", app.id}}},
      {"spec", spec(app, how)}};
  return internal::dump(resource);
}

}  // namespace cloudflow::blueprint
