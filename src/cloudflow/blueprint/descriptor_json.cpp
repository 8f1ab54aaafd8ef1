#include "cloudflow/blueprint/descriptor_json.hpp"

#include "cloudflow/blueprint/internal/descriptor_json.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <functional>

namespace cloudflow::blueprint {
namespace internal {
namespace {

using json = nlohmann::ordered_json;

template <class Item, class Member>
std::vector<Item> sorted_by(std::vector<Item> items, Member member) {
  std::stable_sort(items.begin(), items.end(), [&](const Item& a, const Item& b) {
    return std::invoke(member, a) < std::invoke(member, b);
  });
  return items;
}

template <class Item, class Convert>
json array_of(const std::vector<Item>& items, Convert convert) {
  auto out = json::array();
  for (const auto& item : items) out.push_back(convert(item));
  return out;
}

json schema_to_json(const schema_descriptor& s, bool with_text) {
  return {{"name", s.name},
          {"schema", with_text ? s.schema : ""},
          {"fingerprint", s.fingerprint},
          {"format", s.format}};
}

json ports_to_json(const std::vector<port_descriptor>& ports, bool is_sorted, bool with_text) {
  const auto in_order = is_sorted ? sorted_by(ports, &port_descriptor::name) : ports;
  return array_of(in_order, [&](const port_descriptor& p) {
    json out{{"name", p.name}, {"schema", schema_to_json(p.schema, with_text)}};
    if (!p.key.empty()) out["key"] = p.key;
    return out;
  });
}

json parameter_to_json(const parameter_descriptor& p) {
  json out{{"key", p.key}, {"description", p.description}, {"validation_type", p.validation_type}};
  if (p.validation_pattern) out["validation_pattern"] = *p.validation_pattern;
  if (p.default_value) out["default_value"] = *p.default_value;
  if (p.is_secret) out["secret"] = true;
  if (p.is_live) out["live"] = true;
  if (p.has_default && !p.default_value) out["has_default"] = true;
  return out;
}

json attribute_to_json(const attribute_descriptor& a) {
  return {{"attribute_name", a.attribute_name}, {"config_path", a.config_path}};
}

json state_to_json(const state_descriptor& s, bool with_text) {
  json out{{"name", s.name},
           {"key", schema_to_json(s.key, with_text)},
           {"value", schema_to_json(s.value, with_text)}};
  if (!s.window.empty()) out["window"] = s.window;
  if (!s.inlet.empty()) out["inlet"] = s.inlet;
  if (s.repartition != schema_descriptor{})
    out["repartition"] = schema_to_json(s.repartition, with_text);
  if (!s.inlet_field.empty()) out["inlet_field"] = s.inlet_field;
  return out;
}

}  // namespace

std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

json mount_to_json(const volume_mount_descriptor& m) {
  return {
      {"name", m.name}, {"path", m.path}, {"access_mode", m.access_mode}, {"pvc_name", m.pvc_name}};
}

json descriptor_to_json(const streamlet_descriptor& d, bool with_schema_text) {
  json out{{"class_name", d.class_name}, {"runtime", d.runtime}};
  out["labels"] = sorted_by(d.labels, std::identity{});
  out["description"] = d.description;
  // What runs a native streamlet goes by the order of its ports.
  const bool is_sorted = d.runtime != "native";
  out["inlets"] = ports_to_json(d.inlets, is_sorted, with_schema_text);
  out["outlets"] = ports_to_json(d.outlets, is_sorted, with_schema_text);
  out["config_parameters"] =
      array_of(sorted_by(d.config_parameters, &parameter_descriptor::key), parameter_to_json);
  out["volume_mounts"] = array_of(d.volume_mounts, mount_to_json);
  out["attributes"] = array_of(d.attributes, attribute_to_json);
  if (!d.states.empty())
    out["states"] = array_of(
        d.states, [&](const state_descriptor& s) { return state_to_json(s, with_schema_text); });
  if (d.has_sources) out["sources"] = true;
  return out;
}

}  // namespace internal

std::string to_json(const streamlet_descriptor& descriptor) {
  return internal::dump(internal::descriptor_to_json(descriptor, true));
}

std::string to_json(std::span<const streamlet_descriptor> descriptors) {
  auto out = nlohmann::ordered_json::array();
  for (const auto& d : descriptors) out.push_back(internal::descriptor_to_json(d, true));
  return internal::dump(out);
}

}  // namespace cloudflow::blueprint
