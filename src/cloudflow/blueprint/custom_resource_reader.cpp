#include "cloudflow/blueprint/custom_resource.hpp"
#include "cloudflow/blueprint/descriptor_json.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace cloudflow::blueprint {
namespace {

using node = nlohmann::json;

error must_be(const std::string& path, std::string_view expected) {
  return error{fmt::format("The custom resource is not valid: '{}' must be {}.", path, expected)};
}

// A member; `path` is that of the object that it is in, for errors.

result<std::string> optional_text(const node& in, const char* name, const std::string& path) {
  const auto found = in.find(name);
  if (found == in.end() || found->is_null()) return std::string{};
  if (!found->is_string()) return must_be(path + name, "a string");
  return found->get<std::string>();
}

result<std::string> text(const node& in, const char* name, const std::string& path) {
  auto value = CLOUDFLOW_TRY(optional_text(in, name, path));
  if (value.empty()) return must_be(path + name, "there and a string that is not empty");
  return value;
}

result<std::optional<std::int32_t>> optional_count(const node& in, const char* name,
                                                   const std::string& path) {
  const auto found = in.find(name);
  if (found == in.end() || found->is_null()) return std::optional<std::int32_t>{};
  if (!found->is_number_integer() || found->get<std::int64_t>() < 0 ||
      !std::in_range<std::int32_t>(found->get<std::int64_t>()))
    return must_be(path + name, "a whole number of at least 0");
  return std::optional{static_cast<std::int32_t>(found->get<std::int64_t>())};
}

/// Null: it is not there.
result<const node*> optional_object(const node& in, const char* name, const std::string& path) {
  const auto found = in.find(name);
  if (found == in.end() || found->is_null()) return nullptr;
  if (!found->is_object()) return must_be(path + name, "an object");
  return &*found;
}

/// An array of objects.
result<const node*> objects(const node& in, const char* name, const std::string& path) {
  const auto found = in.find(name);
  if (found == in.end() || !found->is_array()) return must_be(path + name, "there and an array");
  for (std::size_t i = 0; i != found->size(); ++i)
    if (!(*found)[i].is_object())
      return must_be(fmt::format("{}{}[{}]", path, name, i), "an object");
  return &*found;
}

/// What 2.3 leaves out where it is empty.
node with_defaults(node descriptor) {
  const auto add = [](node& to, const char* name, node value) {
    if (to.is_object() && (!to.contains(name) || to[name].is_null())) to[name] = std::move(value);
  };
  const auto add_to_each = [&](const char* list, const char* name) {
    for (auto& item : descriptor[list]) add(item, name, "");
  };
  for (const auto* list :
       {"labels", "inlets", "outlets", "config_parameters", "volume_mounts", "attributes"})
    add(descriptor, list, node::array());
  add(descriptor, "description", "");
  add_to_each("volume_mounts", "pvc_name");
  add_to_each("config_parameters", "description");
  for (const auto* ports : {"inlets", "outlets"})
    for (auto& port : descriptor[ports])
      if (port.is_object() && port.contains("schema")) add(port["schema"], "schema", "");
  return descriptor;
}

result<config::value> config_of(const node& mapping, const std::string& path) {
  const auto* given = CLOUDFLOW_TRY(optional_object(mapping, "config", path));
  const auto document = config::parse_text(given == nullptr ? "{}" : given->dump(), path + "config",
                                           config::include_policy::refuse);
  if (!document) return must_be(path + "config", "an object that can be read");
  auto value = document->resolve({});
  if (!value) return must_be(path + "config", "an object that can be read");
  return std::move(value).value();
}

class resource_reader {
public:
  result<custom_resource> read(const node& whole) {
    const auto* spec = CLOUDFLOW_TRY(optional_object(whole, "spec", ""));
    if (spec == nullptr) return must_be("spec", "there and an object");
    out_.app.id = CLOUDFLOW_TRY(text(*spec, "app_id", at_spec));
    out_.app.version = CLOUDFLOW_TRY(optional_text(*spec, "app_version", at_spec));
    out_.library_version = CLOUDFLOW_TRY(optional_text(*spec, "library_version", at_spec));
    out_.service_account = CLOUDFLOW_TRY(optional_text(*spec, "service_account", at_spec));
    out_.configuration = CLOUDFLOW_TRY(optional_text(*spec, "configuration", at_spec));
    const auto version = CLOUDFLOW_TRY(optional_text(*spec, "version", at_spec));
    CLOUDFLOW_TRY(expect_version(version));
    CLOUDFLOW_TRY(read_streamlets(*spec));
    CLOUDFLOW_TRY(read_deployments(*spec));
    for (auto& topic : out_.app.blueprint.topics)
      for (auto* ports : {&topic.producers, &topic.consumers}) std::ranges::sort(*ports);
    return std::move(out_);
  }

private:
  static constexpr const char* at_spec = "spec.";

  static result<void> expect_version(const std::string& version) {
    if (version.empty() || version == descriptor_version) return {};
    return must_be("spec.version",
                   fmt::format("\"{}\", the version of application descriptors that this program "
                               "reads; it is \"{}\"",
                               descriptor_version, version));
  }

  // -- streamlets ---

  result<void> read_streamlets(const node& spec) {
    const auto& all = *CLOUDFLOW_TRY(objects(spec, "streamlets", at_spec));
    for (std::size_t i = 0; i != all.size(); ++i) {
      const auto path = fmt::format("spec.streamlets[{}].", i);
      auto name = CLOUDFLOW_TRY(text(all[i], "name", path));
      const auto* given = CLOUDFLOW_TRY(optional_object(all[i], "descriptor", path));
      if (given == nullptr) return must_be(path + "descriptor", "there");
      if (position_of(name))
        return must_be(path + "name", fmt::format("another one: {} is there twice", name));
      auto descriptor = descriptor_from_json(with_defaults(*given).dump());
      if (!descriptor) return within("streamlet " + name, std::move(descriptor).error());
      out_.app.blueprint.streamlets.push_back({std::move(name), std::move(descriptor).value()});
    }
    return {};
  }

  std::optional<std::size_t> position_of(const std::string& streamlet) const {
    const auto& all = out_.app.blueprint.streamlets;
    const auto found = std::ranges::find(all, streamlet, &verified_streamlet::name);
    if (found == all.end()) return {};
    return static_cast<std::size_t>(found - all.begin());
  }

  // -- deployments ---

  result<void> read_deployments(const node& spec) {
    const auto& all = *CLOUDFLOW_TRY(objects(spec, "deployments", at_spec));
    const auto& streamlets = out_.app.blueprint.streamlets;
    std::vector<std::optional<deployment>> found(streamlets.size());
    for (std::size_t i = 0; i != all.size(); ++i) {
      const auto path = fmt::format("spec.deployments[{}].", i);
      const auto name = CLOUDFLOW_TRY(streamlet_of(all[i], path));
      const auto position = position_of(name);
      if (!position)
        return must_be(path + "streamlet_name",
                       fmt::format("one of spec.streamlets; {} is none", name));
      if (found[*position])
        return must_be(path + "streamlet_name",
                       fmt::format("another one: {} is there twice", name));
      found[*position] = CLOUDFLOW_TRY(read_deployment(all[i], name, path));
      CLOUDFLOW_TRY(read_ports(all[i], streamlets[*position], path));
    }
    for (std::size_t i = 0; i != found.size(); ++i) {
      if (!found[i])
        return must_be("spec.deployments",
                       fmt::format("one for each streamlet; {} has none", streamlets[i].name));
      out_.deployments.push_back(*std::move(found[i]));
    }
    return {};
  }

  /// `<app>.<streamlet>` is the name of a deployment.
  result<std::string> streamlet_of(const node& in, const std::string& path) const {
    auto name = CLOUDFLOW_TRY(optional_text(in, "streamlet_name", path));
    if (!name.empty()) return name;
    name = CLOUDFLOW_TRY(text(in, "name", path));
    const auto prefix = out_.app.id + ".";
    return name.starts_with(prefix) ? name.substr(prefix.size()) : name;
  }

  static result<deployment> read_deployment(const node& in, const std::string& streamlet,
                                            const std::string& path) {
    deployment d{.streamlet = streamlet};
    d.runtime = CLOUDFLOW_TRY(text(in, "runtime", path));
    d.image = CLOUDFLOW_TRY(text(in, "image", path));
    d.secret_name = CLOUDFLOW_TRY(optional_text(in, "secret_name", path));
    d.replicas = CLOUDFLOW_TRY(optional_count(in, "replicas", path));
    if (const auto* endpoint = CLOUDFLOW_TRY(optional_object(in, "endpoint", path))) {
      const auto port =
          CLOUDFLOW_TRY(optional_count(*endpoint, "container_port", path + "endpoint."));
      d.container_port = port.value_or(server_port);
    }
    if (!in.contains("volume_mounts") || in["volume_mounts"].is_null()) return d;
    const auto* mounts = CLOUDFLOW_TRY(objects(in, "volume_mounts", path));
    for (const auto& m : *mounts) {
      const auto at = path + "volume_mounts.";
      auto claim = CLOUDFLOW_TRY(optional_text(m, "pvc_name", at));
      auto mount = CLOUDFLOW_TRY(text(m, "name", at));
      if (!claim.empty()) d.claims[std::move(mount)] = std::move(claim);
    }
    return d;
  }

  // -- topics ---

  result<void> read_ports(const node& in, const verified_streamlet& streamlet,
                          const std::string& path) {
    static const auto none = node::object();
    const auto* given = CLOUDFLOW_TRY(optional_object(in, "port_mappings", path));
    const auto& mappings = given == nullptr ? none : *given;
    const auto at = path + "port_mappings";
    const auto take = [&](const std::vector<port_descriptor>& ports,
                          std::vector<std::string> verified_topic::*users) -> result<void> {
      for (const auto& p : ports) {
        const auto* mapping = CLOUDFLOW_TRY(optional_object(mappings, p.name.c_str(), at + "."));
        if (mapping == nullptr)
          return must_be(at, fmt::format("one for each port; {} has none", p.name));
        const auto topic = CLOUDFLOW_TRY(topic_of(*mapping, fmt::format("{}.{}.", at, p.name)));
        (out_.app.blueprint.topics[topic].*users).push_back(streamlet.name + "." + p.name);
      }
      return {};
    };
    const auto& d = streamlet.descriptor;
    CLOUDFLOW_TRY(take(d.inlets, &verified_topic::consumers));
    CLOUDFLOW_TRY(take(d.outlets, &verified_topic::producers));
    if (mappings.size() == d.inlets.size() + d.outlets.size()) return {};
    return must_be(at, fmt::format("of the ports of {}, and no others", streamlet.name));
  }

  /// The same id is the same topic. Returns its index.
  result<std::size_t> topic_of(const node& mapping, const std::string& path) {
    auto& topics = out_.app.blueprint.topics;
    const auto id = CLOUDFLOW_TRY(text(mapping, "id", path));
    const auto found = std::ranges::find(topics, id, &verified_topic::id);
    if (found != topics.end()) return static_cast<std::size_t>(found - topics.begin());
    verified_topic topic{.id = id, .name = id};
    topic.cluster = CLOUDFLOW_TRY(optional_text(mapping, "cluster", path));
    topic.kafka_config = CLOUDFLOW_TRY(config_of(mapping, path));
    if (const auto* name = topic.kafka_config.find({"topic", "name"}))
      topic.name = name->text().value_or(topic.id);
    topics.push_back(std::move(topic));
    return topics.size() - 1;
  }

  custom_resource out_;
};

}  // namespace

result<custom_resource> custom_resource_from_json(std::string_view text) {
  const auto whole = node::parse(text, nullptr, false);
  if (!whole.is_object()) return error{"The custom resource is no JSON object."};
  return resource_reader{}.read(whole);
}

}  // namespace cloudflow::blueprint
