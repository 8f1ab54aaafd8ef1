#include "cloudflow/application/pod_settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <initializer_list>
#include <set>
#include <string_view>
#include <utility>

namespace cloudflow::app {
namespace {

using node = nlohmann::json;

/// An object of the configuration with its path, for errors.
struct section {
  node content;
  std::string path;

  bool has(const char* key) const { return content.contains(key) && !content[key].is_null(); }
  section at(const std::string& key) const {
    return {content.value(key, node::object()), path + "." + key};
  }
};

error must_be(const std::string& path, std::string_view expected) {
  return error{fmt::format("Configuration {} must be {}", path, expected)};
}

result<void> expect_object(const section& s) {
  return s.content.is_object() ? result<void>{} : must_be(s.path, "an object");
}

result<void> expect_keys(const section& s, std::initializer_list<std::string_view> known) {
  CLOUDFLOW_TRY(expect_object(s));
  for (const auto& [key, value] : s.content.items())
    if (std::ranges::find(known, key) == known.end())
      return error{
          fmt::format("Unknown key '{}.{}'; there are {}", s.path, key, fmt::join(known, ", "))};
  return {};
}

/// Numbers are texts as well: `cpu = 2`.
result<std::string> text(const section& s, const char* key) {
  const auto& value = s.content.contains(key) ? s.content[key] : node{};
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number() || value.is_boolean()) return value.dump();
  return must_be(s.path + "." + key, "there and a text");
}

result<bool> flag(const section& s, const char* key, bool otherwise) {
  if (!s.has(key)) return otherwise;
  const auto word = CLOUDFLOW_TRY(text(s, key));
  if (const auto value = config::parse_bool(word)) return *value;
  return must_be(s.path + "." + key, "true or false");
}

result<node> texts(const section& s) {
  CLOUDFLOW_TRY(expect_object(s));
  auto all = node::object();
  for (const auto& [key, value] : s.content.items()) all[key] = CLOUDFLOW_TRY(text(s, key.c_str()));
  return all;
}

// -- volumes --------------------------------------------------------------------------------------

result<node> secret_volume(const section& s) {
  CLOUDFLOW_TRY(expect_keys(s, {"name"}));
  const auto name = CLOUDFLOW_TRY(text(s, "name"));
  return node{{"secret", {{"secretName", name}}}};
}

result<node> claim_volume(const section& s) {
  CLOUDFLOW_TRY(expect_keys(s, {"name", "read-only"}));
  const auto name = CLOUDFLOW_TRY(text(s, "name"));
  const auto is_read_only = CLOUDFLOW_TRY(flag(s, "read-only", true));
  return node{{"persistentVolumeClaim", {{"claimName", name}, {"readOnly", is_read_only}}}};
}

result<node> config_map_volume(const section& s) {
  CLOUDFLOW_TRY(expect_keys(s, {"name", "optional", "items"}));
  const auto name = CLOUDFLOW_TRY(text(s, "name"));
  const auto is_optional = CLOUDFLOW_TRY(flag(s, "optional", false));
  node map{{"name", name}, {"optional", is_optional}};
  const auto items = s.at("items");
  CLOUDFLOW_TRY(expect_object(items));
  for (const auto& [key, value] : items.content.items()) {
    const auto path = CLOUDFLOW_TRY(text(items.at(key), "path"));
    map["items"].push_back({{"key", key}, {"path", path}});
  }
  return node{{"configMap", std::move(map)}};
}

result<node> volume(const section& s) {
  CLOUDFLOW_TRY(expect_object(s));
  if (s.content.empty())
    return error{fmt::format("{}: volume doesn't have a parseable definition", s.path)};
  if (s.content.size() > 1)
    return error{fmt::format("{}: volume has multiple definitions, only one is allowed", s.path)};
  if (s.has("secret")) return secret_volume(s.at("secret"));
  if (s.has("pvc")) return claim_volume(s.at("pvc"));
  if (s.has("config-map")) return config_map_volume(s.at("config-map"));
  return error{fmt::format("Cannot convert '{}' to Volume: should be secret, pvc or config-map",
                           s.content.begin().key())};
}

// -- containers -----------------------------------------------------------------------------------

result<node> env(const section& s) {
  auto all = node::array();
  if (!s.content.is_array()) return must_be(s.path, "a list");
  for (std::size_t i = 0; i != s.content.size(); ++i) {
    const section item{s.content[i], fmt::format("{}[{}]", s.path, i)};
    CLOUDFLOW_TRY(expect_keys(item, {"name", "value"}));
    const auto name = CLOUDFLOW_TRY(text(item, "name"));
    const auto value = CLOUDFLOW_TRY(text(item, "value"));
    all.push_back({{"name", name}, {"value", value}});
  }
  return all;
}

result<node> ports(const section& s) {
  auto all = node::array();
  if (!s.content.is_array()) return must_be(s.path, "a list");
  for (std::size_t i = 0; i != s.content.size(); ++i) {
    const section item{s.content[i], fmt::format("{}[{}]", s.path, i)};
    CLOUDFLOW_TRY(
        expect_keys(item, {"container-port", "protocol", "name", "host-ip", "host-port"}));
    if (!item.has("container-port") || !item.content["container-port"].is_number_integer())
      return must_be(item.path + ".container-port", "there and a whole number");
    node port{{"containerPort", item.content["container-port"]}};
    for (const auto& [key, name] :
         {std::pair{"protocol", "protocol"}, {"name", "name"}, {"host-ip", "hostIP"}})
      if (item.has(key)) port[name] = CLOUDFLOW_TRY(text(item, key));
    if (item.has("host-port")) port["hostPort"] = item.content["host-port"];
    all.push_back(std::move(port));
  }
  return all;
}

result<node> resources(const section& s) {
  CLOUDFLOW_TRY(expect_keys(s, {"requests", "limits"}));
  auto all = node::object();
  for (const auto* kind : {"requests", "limits"})
    if (s.has(kind)) all[kind] = CLOUDFLOW_TRY(texts(s.at(kind)));
  return all;
}

result<node> mount(const std::string& name, const section& s) {
  CLOUDFLOW_TRY(expect_keys(s, {"mount-path", "read-only", "subPath", "sub-path"}));
  const auto path = CLOUDFLOW_TRY(text(s, "mount-path"));
  const auto is_read_only = CLOUDFLOW_TRY(flag(s, "read-only", true));
  node m{{"name", name}, {"mountPath", path}, {"readOnly", is_read_only}};
  for (const auto* key : {"subPath", "sub-path"})
    if (s.has(key)) m["subPath"] = CLOUDFLOW_TRY(text(s, key));
  return m;
}

result<void> read_container(const section& s, pod_settings& into) {
  CLOUDFLOW_TRY(expect_keys(s, {"env", "ports", "resources", "volume-mounts"}));
  if (s.has("env")) into.env = CLOUDFLOW_TRY(env(s.at("env")));
  if (s.has("ports")) into.ports = CLOUDFLOW_TRY(ports(s.at("ports")));
  if (s.has("resources")) into.resources = CLOUDFLOW_TRY(resources(s.at("resources")));
  const auto mounts = s.at("volume-mounts");
  CLOUDFLOW_TRY(expect_object(mounts));
  for (const auto& [name, value] : mounts.content.items()) {
    auto made = CLOUDFLOW_TRY(mount(name, mounts.at(name)));
    into.mounts.push_back(std::move(made));
  }
  return {};
}

result<void> expect_volumes_of_mounts(const pod_settings& s) {
  std::set<std::string> known, missing;
  for (const auto& v : s.volumes) known.insert(v["name"].get<std::string>());
  for (const auto& m : s.mounts)
    if (auto name = m["name"].get<std::string>(); !known.contains(name)) missing.insert(name);
  if (missing.empty()) return {};
  return error{fmt::format("Volume mounts without a corresponding declared volume {}",
                           fmt::join(missing, ", "))};
}

// -- both places ----------------------------------------------------------------------------------

/// `above` over `below`: objects merge, everything else is replaced.
node merged(const node& above, const node& below) {
  if (!above.is_object() || !below.is_object()) return above;
  auto out = below;
  for (const auto& [key, value] : above.items())
    out[key] = out.contains(key) ? merged(value, out[key]) : value;
  return out;
}

node pod_in(const config::value& configuration, std::initializer_list<std::string_view> path) {
  const auto* found = configuration.find(path);
  if (found == nullptr || found->is_null()) return node::object();
  return node::parse(config::to_json(*found), nullptr, false);
}

}  // namespace

result<pod_settings> pod_settings_of(const config::value& configuration, const std::string& runtime,
                                     const std::string& streamlet) {
  const section pods{
      merged(pod_in(configuration, {"cloudflow", "streamlets", streamlet, "kubernetes", "pods"}),
             pod_in(configuration, {"cloudflow", "runtimes", runtime, "kubernetes", "pods"})),
      fmt::format("cloudflow.streamlets.{}.kubernetes.pods", streamlet)};
  CLOUDFLOW_TRY(expect_object(pods));
  const auto pod = pods.at("pod");
  CLOUDFLOW_TRY(expect_keys(pod, {"labels", "annotations", "volumes", "containers"}));
  pod_settings out;
  out.labels = CLOUDFLOW_TRY(texts(pod.at("labels")));
  out.annotations = CLOUDFLOW_TRY(texts(pod.at("annotations")));
  const auto volumes = pod.at("volumes");
  CLOUDFLOW_TRY(expect_object(volumes));
  for (const auto& [name, value] : volumes.content.items()) {
    auto made = CLOUDFLOW_TRY(volume(volumes.at(name)));
    made["name"] = name;
    out.volumes.push_back(std::move(made));
  }
  const auto containers = pod.at("containers");
  CLOUDFLOW_TRY(expect_object(containers));
  CLOUDFLOW_TRY(read_container(containers.at("container"), out));
  CLOUDFLOW_TRY(expect_volumes_of_mounts(out));
  return out;
}

}  // namespace cloudflow::app
