#include "cloudflow/schema/avro_schema.hpp"
#include "cloudflow/schema/internal/sha256.hpp"
#include "cloudflow/schema/json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace cloudflow::schema {

namespace {

/// Writes a schema as JSON: all of it, or its parsing canonical form (attributes that do not change
/// how data is read are left out, names are full, order and spelling are fixed).
class schema_writer {
public:
  schema_writer(const avro_schema& schema, bool canonical)
    : schema_(schema), canonical_(canonical), written_(schema.nodes().size()) {}

  std::string write() && {
    put(schema_.root_id());
    return std::move(out_);
  }

private:
  void put(node_id id) {
    const auto& node = schema_.node(id);
    switch (node.type) {
      case avro_type::record_type:
      case avro_type::enum_type:
      case avro_type::fixed_type: return put_named(id, node);
      case avro_type::array_type: return put_container(node, "items");
      case avro_type::map_type: return put_container(node, "values");
      case avro_type::union_type: return put_union(node);
      default: return put_primitive(node);
    }
  }
  void put_primitive(const avro_node& node) {
    if (canonical_ || node.properties.empty()) return put_quoted(to_text(node.type));
    out_ += fmt::format("{{\"type\":\"{}\"", to_text(node.type));
    put_properties(node.properties);
    out_ += '}';
  }
  void put_container(const avro_node& node, std::string_view element) {
    out_ += fmt::format("{{\"type\":\"{}\",\"{}\":", to_text(node.type), element);
    put(node.element);
    put_properties(node.properties);
    out_ += '}';
  }
  void put_union(const avro_node& node) {
    out_ += '[';
    for (std::size_t i = 0; i != node.branches.size(); ++i) {
      if (i != 0) out_ += ',';
      put(node.branches[i]);
    }
    out_ += ']';
  }
  void put_named(node_id id, const avro_node& node) {
    if (written_[id]) return put_quoted(node.name);
    written_[id] = true;
    out_ += fmt::format("{{\"name\":\"{}\",\"type\":\"{}\"", node.name, to_text(node.type));
    const auto own_space = node.name.substr(0, node.name.rfind('.') + 1);
    if (!canonical_ && own_space.empty() && !space_.empty()) out_ += ",\"namespace\":\"\"";
    put_doc(node.doc);
    put_aliases(node.aliases);
    if (node.type == avro_type::record_type) {
      const auto outer = std::exchange(space_, own_space);
      put_fields(node);
      space_ = outer;
    }
    if (node.type == avro_type::enum_type) put_symbols(node);
    if (node.type == avro_type::fixed_type) out_ += fmt::format(",\"size\":{}", node.size);
    put_properties(node.properties);
    out_ += '}';
  }
  void put_fields(const avro_node& node) {
    out_ += ",\"fields\":[";
    for (std::size_t i = 0; i != node.fields.size(); ++i) {
      const auto& field = node.fields[i];
      out_ += fmt::format("{}{{\"name\":\"{}\",\"type\":", i == 0 ? "" : ",", field.name);
      put(field.type);
      put_doc(field.doc);
      if (!canonical_ && field.default_json) (out_ += ",\"default\":") += *field.default_json;
      put_aliases(field.aliases);
      put_properties(field.properties);
      out_ += '}';
    }
    out_ += ']';
  }
  void put_symbols(const avro_node& node) {
    out_ += ",\"symbols\":[";
    for (std::size_t i = 0; i != node.symbols.size(); ++i) {
      if (i != 0) out_ += ',';
      put_quoted(node.symbols[i]);
    }
    out_ += ']';
    if (!canonical_ && node.default_symbol) {
      out_ += ",\"default\":";
      put_quoted(*node.default_symbol);
    }
  }
  void put_doc(std::string_view doc) {
    if (canonical_ || doc.empty()) return;
    out_ += ",\"doc\":";
    append_json_string(out_, doc);
  }
  void put_aliases(const std::vector<std::string>& aliases) {
    if (canonical_ || aliases.empty()) return;
    out_ += ",\"aliases\":[";
    for (std::size_t i = 0; i != aliases.size(); ++i) {
      if (i != 0) out_ += ',';
      put_quoted(aliases[i]);
    }
    out_ += ']';
  }
  void put_properties(const avro_properties& properties) {
    if (canonical_) return;
    for (const auto& [name, value] : properties) {
      out_ += ',';
      append_json_string(out_, name);
      (out_ += ':') += value;
    }
  }
  void put_quoted(std::string_view name) { ((out_ += '"') += name) += '"'; }

  const avro_schema& schema_;
  bool canonical_;
  std::vector<bool> written_;
  std::string space_;  // of the record around, with its last dot
  std::string out_;
};

}  // namespace

std::string_view to_text(avro_type type) noexcept {
  switch (type) {
    case avro_type::null_type: return "null";
    case avro_type::boolean_type: return "boolean";
    case avro_type::int_type: return "int";
    case avro_type::long_type: return "long";
    case avro_type::float_type: return "float";
    case avro_type::double_type: return "double";
    case avro_type::bytes_type: return "bytes";
    case avro_type::string_type: return "string";
    case avro_type::record_type: return "record";
    case avro_type::enum_type: return "enum";
    case avro_type::fixed_type: return "fixed";
    case avro_type::array_type: return "array";
    case avro_type::map_type: return "map";
    case avro_type::union_type: return "union";
  }
  return "";
}

std::string_view to_text(logical_type type) noexcept {
  switch (type) {
    case logical_type::none: return "";
    case logical_type::decimal: return "decimal";
    case logical_type::uuid: return "uuid";
    case logical_type::date: return "date";
    case logical_type::time_millis: return "time-millis";
    case logical_type::time_micros: return "time-micros";
    case logical_type::timestamp_millis: return "timestamp-millis";
    case logical_type::timestamp_micros: return "timestamp-micros";
    case logical_type::local_timestamp_millis: return "local-timestamp-millis";
    case logical_type::local_timestamp_micros: return "local-timestamp-micros";
    case logical_type::duration: return "duration";
  }
  return "";
}

std::string_view name_of(const avro_node& node) noexcept {
  return node.name.empty() ? to_text(node.type) : std::string_view{node.name};
}

avro_schema::avro_schema(std::vector<avro_node> nodes, node_id root)
  : nodes_(std::make_shared<const std::vector<avro_node>>(std::move(nodes))), root_(root) {}

std::string_view avro_schema::name() const noexcept { return name_of(root()); }
std::string avro_schema::text() const { return schema_writer{*this, false}.write(); }
std::string avro_schema::canonical() const { return schema_writer{*this, true}.write(); }
std::string avro_schema::fingerprint() const { return internal::sha256(canonical()); }

}  // namespace cloudflow::schema
