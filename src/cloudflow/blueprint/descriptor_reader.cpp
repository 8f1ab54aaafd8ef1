#include "cloudflow/blueprint/descriptor_json.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <optional>

namespace cloudflow::blueprint {
namespace {

using node = nlohmann::json;

/// Reads fields and remembers the first that is missing or of the wrong type.
class reader {
public:
  streamlet_descriptor read(const node& in) {
    streamlet_descriptor d;
    if (!in.is_object()) {
      fail("", "an object");
      return d;
    }
    d.class_name = text(in, "class_name");
    class_name_ = d.class_name;
    d.runtime = text(in, "runtime");
    d.description = text(in, "description");
    d.labels = list<std::string>(in, "labels", [&](const node& label) {
      if (!label.is_string()) fail("", "a string");
      return label.is_string() ? label.get<std::string>() : "";
    });
    d.inlets = list<port_descriptor>(in, "inlets", [&](const node& p) { return port(p); });
    d.outlets = list<port_descriptor>(in, "outlets", [&](const node& p) { return port(p); });
    d.config_parameters = list<parameter_descriptor>(in, "config_parameters",
                                                     [&](const node& p) { return parameter(p); });
    d.volume_mounts =
        list<volume_mount_descriptor>(in, "volume_mounts", [&](const node& m) { return mount(m); });
    d.attributes = list<attribute_descriptor>(in, "attributes", [&](const node& a) {
      return attribute_descriptor{text(a, "attribute_name"), text(a, "config_path")};
    });
    if (in.contains("states"))
      d.states = list<state_descriptor>(in, "states", [&](const node& s) { return state(s); });
    d.has_sources = flag(in, "sources");
    return d;
  }

  const std::optional<error>& failure() const { return failure_; }

private:
  void fail(std::string_view field, std::string_view expected) {
    if (failure_) return;
    auto path = path_;
    if (!path.empty() && !field.empty()) path += '.';
    path += field;
    failure_ =
        error{fmt::format("The descriptor of streamlet class '{}' is not valid: '{}' must be {}.",
                          class_name_, path, expected)};
  }

  std::string text(const node& in, const char* field) {
    if (in.is_object())
      if (const auto found = in.find(field); found != in.end() && found->is_string())
        return found->get<std::string>();
    fail(field, "there and a string");
    return {};
  }

  std::optional<std::string> optional_text(const node& in, const char* field) {
    if (!in.is_object() || !in.contains(field) || in[field].is_null()) return std::nullopt;
    return text(in, field);
  }

  bool flag(const node& in, const char* field) {
    if (!in.is_object() || !in.contains(field)) return false;
    if (!in[field].is_boolean()) fail(field, "true or false");
    return in[field].is_boolean() && in[field].get<bool>();
  }

  template <class Item, class Read>
  std::vector<Item> list(const node& in, const char* field, Read read) {
    std::vector<Item> items;
    const auto found = in.find(field);
    if (found == in.end() || !found->is_array()) {
      fail(field, "there and an array");
      return items;
    }
    for (std::size_t i = 0; i < found->size(); ++i) {
      path_ = fmt::format("{}[{}]", field, i);
      items.push_back(read((*found)[i]));
    }
    path_.clear();
    return items;
  }

  schema_descriptor schema(const node& in, const char* field) {
    if (!in.is_object() || !in.contains(field) || !in[field].is_object()) {
      fail(field, "there and an object");
      return {};
    }
    const auto outer = path_;
    path_ += fmt::format(".{}", field);
    const auto& s = in[field];
    schema_descriptor out{text(s, "name"), text(s, "schema"), text(s, "fingerprint"),
                          text(s, "format")};
    path_ = outer;
    return out;
  }

  port_descriptor port(const node& in) {
    return {text(in, "name"), schema(in, "schema"), optional_text(in, "key").value_or("")};
  }

  parameter_descriptor parameter(const node& in) {
    return {.key = text(in, "key"),
            .description = text(in, "description"),
            .validation_type = text(in, "validation_type"),
            .validation_pattern = optional_text(in, "validation_pattern"),
            .default_value = optional_text(in, "default_value"),
            .is_secret = flag(in, "secret"),
            .is_live = flag(in, "live"),
            .has_default = flag(in, "has_default") || optional_text(in, "default_value")};
  }

  volume_mount_descriptor mount(const node& in) {
    return {text(in, "name"), text(in, "path"), text(in, "access_mode"), text(in, "pvc_name")};
  }

  state_descriptor state(const node& in) {
    return {text(in, "name"),
            schema(in, "key"),
            schema(in, "value"),
            optional_text(in, "window").value_or(""),
            optional_text(in, "inlet").value_or(""),
            in.contains("repartition") ? schema(in, "repartition") : schema_descriptor{},
            optional_text(in, "inlet_field").value_or("")};
  }

  std::string class_name_;
  std::string path_;
  std::optional<error> failure_;
};

result<node> parse_json(std::string_view text) {
  auto parsed = node::parse(text, nullptr, false);
  if (parsed.is_discarded()) return error{"The descriptors are not valid JSON."};
  return parsed;
}

result<streamlet_descriptor> read_descriptor(const node& in) {
  reader r;
  auto descriptor = r.read(in);
  if (r.failure()) return *r.failure();
  return descriptor;
}

}  // namespace

result<streamlet_descriptor> descriptor_from_json(std::string_view text) {
  const auto parsed = CLOUDFLOW_TRY(parse_json(text));
  return read_descriptor(parsed);
}

result<std::vector<streamlet_descriptor>> descriptors_from_json(std::string_view text) {
  const auto parsed = CLOUDFLOW_TRY(parse_json(text));
  std::vector<streamlet_descriptor> out;
  const auto read_into = [&](const node& in) -> std::optional<error> {
    auto descriptor = CLOUDFLOW_TRY(read_descriptor(in));
    out.push_back(std::move(descriptor));
    return std::nullopt;
  };
  if (!parsed.is_array()) {
    if (const auto failure = read_into(parsed)) return *failure;
    return out;
  }
  for (const auto& element : parsed)
    if (const auto failure = read_into(element)) return *failure;
  return out;
}

}  // namespace cloudflow::blueprint
