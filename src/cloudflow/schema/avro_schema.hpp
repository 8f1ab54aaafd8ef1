/// The model of an Avro schema (Apache Avro 1.11 specification, "Schema Declaration").
#pragma once

#include "cloudflow/base/result.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudflow::schema {

enum class avro_type : std::uint8_t {
  null_type,
  boolean_type,
  int_type,
  long_type,
  float_type,
  double_type,
  bytes_type,
  string_type,
  record_type,
  enum_type,
  fixed_type,
  array_type,
  map_type,
  union_type,
};

/// What a value means beyond its encoding. One that the specification does not allow where it
/// stands (a `date` of a string, a `decimal` without precision) is ignored, as the specification
/// demands.
enum class logical_type : std::uint8_t {
  none,
  decimal,
  uuid,
  date,
  time_millis,
  time_micros,
  timestamp_millis,
  timestamp_micros,
  local_timestamp_millis,
  local_timestamp_micros,
  duration,
};

/// `int`, `record` ... as schemas spell it.
std::string_view to_text(avro_type type) noexcept;
/// `timestamp-millis` ...; empty for none.
std::string_view to_text(logical_type type) noexcept;

/// Index of a node in its schema.
using node_id = std::uint32_t;

/// Attributes the specification gives no meaning to: name and compact JSON, in their order.
using avro_properties = std::vector<std::pair<std::string, std::string>>;

struct avro_field {
  std::string name{};
  node_id type = 0;
  std::string doc{};
  std::vector<std::string> aliases{};
  std::optional<std::string> default_json{};   ///< compact JSON
  std::optional<std::string> default_bytes{};  ///< the same in Avro's binary encoding
  avro_properties properties{};
};

struct avro_node {
  avro_type type = avro_type::null_type;
  logical_type logical = logical_type::none;
  std::string name{};                  ///< full name of a record, enum or fixed
  std::vector<std::string> aliases{};  ///< full names
  std::string doc{};
  std::vector<avro_field> fields{};             ///< of a record
  std::vector<std::string> symbols{};           ///< of an enum
  std::optional<std::string> default_symbol{};  ///< of an enum
  std::vector<node_id> branches{};              ///< of a union
  node_id element = 0;                          ///< items of an array, values of a map
  std::size_t size = 0;                         ///< of a fixed, in bytes
  std::uint32_t precision = 0, scale = 0;       ///< of a decimal
  avro_properties properties{};
};

/// A complete, valid schema. An immutable value type; copies share the nodes; thread-safe.
class avro_schema {
public:
  avro_schema(std::vector<avro_node> nodes, node_id root);

  const avro_node& root() const noexcept { return node(root_); }
  node_id root_id() const noexcept { return root_; }
  /// References to a named type lead to the node of its definition, so that a walk may not end by
  /// itself.
  const avro_node& node(node_id id) const noexcept { return (*nodes_)[id]; }
  std::span<const avro_node> nodes() const noexcept { return *nodes_; }

  /// Full name of a named type, otherwise the type's own (`array`).
  std::string_view name() const noexcept;
  /// Compact JSON with all attributes, each named type defined where it first occurs. Parses to an
  /// equal schema.
  std::string text() const;
  /// "Parsing Canonical Form for Schemas" of the specification.
  std::string canonical() const;
  /// SHA-256 of the canonical form: 32 bytes.
  std::string fingerprint() const;

private:
  std::shared_ptr<const std::vector<avro_node>> nodes_;
  node_id root_;
};

/// Full name of a named type, otherwise the type's own.
std::string_view name_of(const avro_node& node) noexcept;

/// Parses schemas that may refer to each other's named types: one parser for a set of files, those
/// first that others refer to. A value type, confined to one thread.
class avro_parser {
public:
  /// `source` names the text in errors: `source:line:column: message`; when empty: `line:column:
  /// message`. After an error the parser knows what it knew before.
  result<avro_schema> parse(std::string_view text, std::string_view source = {});

  struct protocol {
    std::string name;                ///< full name
    std::vector<avro_schema> types;  ///< in the order of the file
  };
  /// An Avro protocol (.avpr) for its types; its messages are not read.
  result<protocol> parse_protocol(std::string_view text, std::string_view source = {});

private:
  std::vector<avro_node> nodes_;
  std::map<std::string, node_id, std::less<>> names_;
};

/// One schema that stands for itself.
result<avro_schema> parse_avro(std::string_view text, std::string_view source = {});

}  // namespace cloudflow::schema
