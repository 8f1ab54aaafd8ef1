#include "cloudflow/schema/avro_schema.hpp"
#include "cloudflow/schema/internal/avro_names.hpp"
#include "cloudflow/schema/internal/json_encoder.hpp"
#include "cloudflow/schema/internal/logical_types.hpp"
#include "cloudflow/schema/json.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

namespace cloudflow::schema {

namespace {

using internal::full_name;
using internal::is_full_name;
using internal::is_name;
using internal::namespace_of;
using internal::set_logical_type;
using internal::whole_number;

constexpr std::size_t max_schema_depth = 64;

std::optional<avro_type> primitive(std::string_view name) {
  for (int i = 0; i <= static_cast<int>(avro_type::string_type); ++i)
    if (to_text(static_cast<avro_type>(i)) == name) return static_cast<avro_type>(i);
  return std::nullopt;
}

bool is_order(std::string_view text) {
  return text == "ascending" || text == "descending" || text == "ignore";
}

using name_table = std::map<std::string, node_id, std::less<>>;

/// Builds the nodes of one text. The first error ends it: functions return nothing then.
class schema_reader {
public:
  schema_reader(std::vector<avro_node>& nodes, name_table& names) : nodes_(nodes), names_(names) {}

  std::optional<node_id> read(const json_value& json, std::string_view space) {
    switch (json.kind) {
      case json_kind::string: return read_name(json, space);
      case json_kind::array: return read_union(json, space);
      case json_kind::object: return read_object(json, space);
      default:
        return fail(json, fmt::format("expected a schema (a name, an object or an array), found {}",
                                      to_text(json.kind)));
    }
  }
  /// Defaults are checked at the end, when every type is complete.
  bool read_defaults() {
    for (const auto& [record, field, json] : defaults_) {
      auto& f = nodes_[record].fields[field];
      auto bytes = internal::encode_default(nodes_, f.type, *json);
      if (!bytes) {
        fail(*json, fmt::format("expected a default for \"{}\" of {} that fits its type: {}",
                                f.name, nodes_[record].name, bytes.error().message));
        return false;
      }
      f.default_bytes = std::move(bytes).value();
    }
    return true;
  }
  const std::string& problem() const { return problem_; }
  std::size_t problem_at() const { return problem_at_; }
  std::nullopt_t fail(const json_value& where, std::string what) {
    if (problem_.empty()) {
      problem_ = std::move(what);
      problem_at_ = where.begin;
    }
    return std::nullopt;
  }

private:
  node_id add(avro_node node) {
    nodes_.push_back(std::move(node));
    return static_cast<node_id>(nodes_.size() - 1);
  }

  // -- references and unions ----------------------------------------------------------------------

  std::optional<node_id> read_name(const json_value& json, std::string_view space) {
    if (const auto type = primitive(json.text)) return add({.type = *type});
    if (const auto id = find_named(json.text, space)) return id;
    std::string_view hint =
        "define it before its first use, in this file or in one named before it";
    if (json.text == "record" || json.text == "enum" || json.text == "fixed" ||
        json.text == "array" || json.text == "map")
      hint = "such a type is an object: {\"type\": ...}";
    return fail(json,
                fmt::format("expected the name of a type, found \"{}\", which is not defined; {}",
                            json.text, hint));
  }
  std::optional<node_id> find_named(std::string_view name, std::string_view space) const {
    auto found = names_.find(full_name(name, space));
    if (found == names_.end() && name.find('.') == std::string_view::npos)
      found = names_.find(name);
    return found == names_.end() ? std::nullopt : std::optional{found->second};
  }

  std::optional<node_id> read_union(const json_value& json, std::string_view space) {
    avro_node node{.type = avro_type::union_type};
    std::vector<std::string> seen;
    for (const auto& item : json.items) {
      const auto id = read(item, space);
      if (!id) return std::nullopt;
      const auto& branch = nodes_[*id];
      if (branch.type == avro_type::union_type)
        return fail(item, "expected a type that is no union, found a union directly in a union");
      if (std::find(seen.begin(), seen.end(), name_of(branch)) != seen.end())
        return fail(item, fmt::format("expected each type once in a union, found {} again",
                                      name_of(branch)));
      seen.emplace_back(name_of(branch));
      node.branches.push_back(*id);
    }
    return add(std::move(node));
  }

  // -- objects ------------------------------------------------------------------------------------

  std::optional<node_id> read_object(const json_value& json, std::string_view space) {
    const auto* type = json.find("type");
    if (type == nullptr) return fail(json, "expected a schema with a \"type\", found none");
    if (type->kind != json_kind::string)
      return fail(
          *type,
          fmt::format(
              "expected \"type\" to be the name of a type, found {}; a schema in a schema needs "
              "no object around it",
              to_text(type->kind)));
    const std::string_view name = type->text;
    if (const auto simple = primitive(name)) return read_simple({.type = *simple}, json);
    if (name == "array") return read_container(avro_type::array_type, "items", json, space);
    if (name == "map") return read_container(avro_type::map_type, "values", json, space);
    if (name == "record" || name == "error") return read_record(json, space);
    if (name == "enum") return read_enum(json, space);
    if (name == "fixed") return read_fixed(json, space);
    return read_name(*type, space);
  }
  std::optional<node_id> read_simple(avro_node node, const json_value& json) {
    set_properties(node.properties, json, {"type"});
    set_logical_type(node, json);
    return add(std::move(node));
  }
  std::optional<node_id> read_container(avro_type type, std::string_view member,
                                        const json_value& json, std::string_view space) {
    const auto* element = json.find(member);
    if (element == nullptr)
      return fail(json, fmt::format("expected {} with \"{}\", found none",
                                    type == avro_type::map_type ? "a map" : "an array", member));
    const auto id = read(*element, space);
    if (!id) return std::nullopt;
    avro_node node{.type = type, .element = *id};
    set_properties(node.properties, json, {"type", member});
    return add(std::move(node));
  }

  // -- named types --------------------------------------------------------------------------------

  /// Name, aliases and documentation; the node is found by its name from here on.
  std::optional<node_id> begin_named(avro_type type, const json_value& json,
                                     std::string_view space) {
    const auto* name = text_member(json, "name");
    if (name == nullptr)
      return fail(json,
                  fmt::format("expected the {} to have a \"name\", found none", to_text(type)));
    if (!is_full_name(name->text)) return fail(*name, not_a_name(name->text));
    if (const auto* given = text_member(json, "namespace")) {
      if (!given->text.empty() && !is_full_name(given->text))
        return fail(*given, not_a_name(given->text));
      space = given->text;
    }
    avro_node node{.type = type, .name = full_name(name->text, space)};
    if (primitive(node.name) || names_.contains(node.name))
      return fail(
          *name, fmt::format("expected a new name, found {}, which is already defined", node.name));
    if (!read_aliases(json, namespace_of(node.name), node.aliases)) return std::nullopt;
    if (const auto* doc = text_member(json, "doc")) node.doc = doc->text;
    auto key = node.name;
    const auto id = add(std::move(node));
    names_.emplace(std::move(key), id);
    return id;
  }
  static std::string not_a_name(std::string_view found) {
    return fmt::format(
        "expected a name (letters, digits and _, not first a digit; dots between names), found "
        "\"{}\"",
        found);
  }
  bool read_aliases(const json_value& json, std::string_view space, std::vector<std::string>& out) {
    const auto* aliases = json.find("aliases");
    if (aliases == nullptr) return true;
    for (const auto& alias : aliases->items) {
      if (alias.kind != json_kind::string || !is_full_name(alias.text)) {
        fail(alias, not_a_name(alias.text));
        return false;
      }
      out.push_back(full_name(alias.text, space));
    }
    if (aliases->kind == json_kind::array) return true;
    fail(*aliases,
         fmt::format("expected \"aliases\" to be an array, found {}", to_text(aliases->kind)));
    return false;
  }

  std::optional<node_id> read_record(const json_value& json, std::string_view space) {
    const auto id = begin_named(avro_type::record_type, json, space);
    if (!id) return std::nullopt;
    const auto* fields = json.find("fields");
    if (fields == nullptr || fields->kind != json_kind::array)
      return fail(json, "expected the record to have an array of \"fields\", found none");
    const auto own_space = std::string{namespace_of(nodes_[*id].name)};
    std::vector<avro_field> read;
    for (const auto& item : fields->items) {
      auto field = read_field(item, own_space);
      if (!field) return std::nullopt;
      if (std::any_of(read.begin(), read.end(), [&](auto& f) { return f.name == field->name; }))
        return fail(item, fmt::format("expected each field once, found \"{}\" again in {}",
                                      field->name, nodes_[*id].name));
      if (const auto* given = item.find("default")) defaults_.push_back({*id, read.size(), given});
      read.push_back(std::move(*field));
    }
    nodes_[*id].fields = std::move(read);
    set_properties(nodes_[*id].properties, json,
                   {"type", "name", "namespace", "aliases", "doc", "fields"});
    return id;
  }
  std::optional<avro_field> read_field(const json_value& json, std::string_view space) {
    const auto* name = text_member(json, "name");
    if (name == nullptr)
      return fail(json, "expected a field (an object with \"name\" and \"type\"), found none");
    if (!is_name(name->text)) return fail(*name, not_a_name(name->text));
    const auto* type = json.find("type");
    if (type == nullptr)
      return fail(json, fmt::format("expected the field \"{}\" to have a \"type\", found none",
                                    name->text));
    const auto id = read(*type, space);
    if (!id) return std::nullopt;
    avro_field field{.name = name->text, .type = *id};
    if (!read_aliases(json, {}, field.aliases)) return std::nullopt;
    if (const auto* doc = text_member(json, "doc")) field.doc = doc->text;
    if (const auto* given = json.find("default")) append_json(field.default_json.emplace(), *given);
    if (const auto* order = json.find("order"); order != nullptr && !is_order(order->text))
      return fail(*order, fmt::format("expected ascending, descending or ignore, found \"{}\"",
                                      order->text));
    set_properties(field.properties, json, {"name", "type", "doc", "aliases", "default"});
    return field;
  }

  std::optional<node_id> read_enum(const json_value& json, std::string_view space) {
    const auto id = begin_named(avro_type::enum_type, json, space);
    if (!id) return std::nullopt;
    const auto* symbols = json.find("symbols");
    if (symbols == nullptr || symbols->kind != json_kind::array)
      return fail(json, "expected the enum to have an array of \"symbols\", found none");
    auto& node = nodes_[*id];
    for (const auto& symbol : symbols->items) {
      if (symbol.kind != json_kind::string || !is_name(symbol.text))
        return fail(symbol, not_a_name(symbol.text));
      if (std::find(node.symbols.begin(), node.symbols.end(), symbol.text) != node.symbols.end())
        return fail(symbol, fmt::format("expected each symbol once, found {} again", symbol.text));
      node.symbols.push_back(symbol.text);
    }
    if (const auto* given = json.find("default")) {
      if (std::find(node.symbols.begin(), node.symbols.end(), given->text) == node.symbols.end())
        return fail(*given, fmt::format("expected the default to be one of {}, found \"{}\"",
                                        fmt::join(node.symbols, ", "), given->text));
      node.default_symbol = given->text;
    }
    set_properties(node.properties, json,
                   {"type", "name", "namespace", "aliases", "doc", "symbols", "default"});
    return id;
  }
  std::optional<node_id> read_fixed(const json_value& json, std::string_view space) {
    const auto id = begin_named(avro_type::fixed_type, json, space);
    if (!id) return std::nullopt;
    const auto size = whole_number(json, "size");
    if (!size)
      return fail(
          json,
          "expected the fixed to have a \"size\" (a whole number of bytes from 0 to 2147483647)");
    auto& node = nodes_[*id];
    node.size = *size;
    set_properties(node.properties, json, {"type", "name", "namespace", "aliases", "doc", "size"});
    set_logical_type(node, json);
    return id;
  }

  // -- attributes ---------------------------------------------------------------------------------

  static const json_value* text_member(const json_value& json, std::string_view name) {
    const auto* found = json.find(name);
    return found != nullptr && found->kind == json_kind::string ? found : nullptr;
  }
  static void set_properties(avro_properties& out, const json_value& json,
                             std::initializer_list<std::string_view> known) {
    for (std::size_t i = 0; i != json.names.size(); ++i) {
      if (std::find(known.begin(), known.end(), json.names[i]) != known.end()) continue;
      std::string value;
      append_json(value, json.items[i]);
      out.emplace_back(json.names[i], std::move(value));
    }
  }
  struct pending_default {
    node_id record;
    std::size_t field;
    const json_value* json;
  };
  std::vector<avro_node>& nodes_;
  name_table& names_;
  std::vector<pending_default> defaults_;
  std::string problem_;
  std::size_t problem_at_ = 0;
};

error located(std::string_view source, std::string message) {
  return error{source.empty() ? std::move(message) : fmt::format("{}:{}", source, message)};
}

}  // namespace

result<avro_schema> avro_parser::parse(std::string_view text, std::string_view source) {
  auto json = parse_json(text, {.comments = true, .depth = max_schema_depth});
  if (!json) return located(source, json.error().message);
  auto nodes = nodes_;
  auto names = names_;
  schema_reader reader{nodes, names};
  const auto root = reader.read(*json, {});
  if (!root || !reader.read_defaults())
    return located(source,
                   fmt::format("{}: {}", position_in(text, reader.problem_at()), reader.problem()));
  nodes_ = std::move(nodes);
  names_ = std::move(names);
  return avro_schema{nodes_, *root};
}

result<avro_parser::protocol> avro_parser::parse_protocol(std::string_view text,
                                                          std::string_view source) {
  auto json = parse_json(text, {.comments = true, .depth = max_schema_depth});
  if (!json) return located(source, json.error().message);
  const auto* name = json->find("protocol");
  const auto* types = json->find("types");
  if (name == nullptr || name->kind != json_kind::string || !is_full_name(name->text))
    return located(source, "1:1: expected an Avro protocol (an object with a \"protocol\" name)");
  const auto* space = json->find("namespace");
  const auto full = full_name(name->text, space == nullptr ? std::string_view{} : space->text);
  auto nodes = nodes_;
  auto names = names_;
  schema_reader reader{nodes, names};
  std::vector<node_id> roots;
  for (std::size_t i = 0; types != nullptr && i != types->items.size(); ++i) {
    const auto root = reader.read(types->items[i], namespace_of(full));
    if (!root) break;
    roots.push_back(*root);
  }
  if (!reader.problem().empty() || !reader.read_defaults())
    return located(source,
                   fmt::format("{}: {}", position_in(text, reader.problem_at()), reader.problem()));
  nodes_ = std::move(nodes);
  names_ = std::move(names);
  protocol read{full, {}};
  for (const auto root : roots) read.types.emplace_back(nodes_, root);
  return read;
}

result<avro_schema> parse_avro(std::string_view text, std::string_view source) {
  return avro_parser{}.parse(text, source);
}

}  // namespace cloudflow::schema
