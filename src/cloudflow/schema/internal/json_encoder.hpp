#pragma once

#include "cloudflow/base/bytes.hpp"
#include "cloudflow/base/result.hpp"
#include "cloudflow/schema/avro_schema.hpp"
#include "cloudflow/schema/json.hpp"

#include <span>
#include <string>
#include <string_view>

namespace cloudflow::schema::internal {

/// How JSON is to be understood: as a person writes a record, or as a schema writes a default.
enum class json_dialect : std::uint8_t {
  plain,          ///< a union's value stands for itself; times may be ISO 8601
  schema_default  ///< a union's value is one of its first branch; unknown members do not matter
};

struct encoder_settings {
  json_dialect dialect = json_dialect::plain;
  bool ignore_unknown_fields = false;
  bool check_uuids = false;
};

/// Writes JSON as Avro binary by schema. Used once.
class json_encoder {
public:
  json_encoder(std::span<const avro_node> nodes, encoder_settings settings, byte_writer& out)
    : nodes_(nodes), settings_(settings), out_(out) {}

  bool encode(node_id id, const json_value& json);
  /// `at field.path[3]: expected ..., found ...`
  const std::string& problem() const { return problem_; }
  /// Byte offset of the value that does not fit.
  std::size_t problem_at() const { return problem_at_; }

private:
  bool fail(const json_value& json, std::string_view expected);
  bool encode_integer(const avro_node& node, const json_value& json);
  bool encode_real(const avro_node& node, const json_value& json);
  bool encode_bytes(const avro_node& node, const json_value& json);
  bool encode_enum(const avro_node& node, const json_value& json);
  bool encode_array(const avro_node& node, const json_value& json);
  bool encode_map(const avro_node& node, const json_value& json);
  bool encode_record(const avro_node& node, const json_value& json);
  bool encode_field(const avro_field& field, const json_value& record);
  bool encode_union(const avro_node& node, const json_value& json);
  bool encode_branch(const avro_node& node, std::size_t index, const json_value& json);
  bool check_fields_known(const avro_node& node, const json_value& json);
  bool fits(const avro_node& node, const json_value& json) const;

  std::span<const avro_node> nodes_;
  encoder_settings settings_;
  byte_writer& out_;
  std::string path_;
  std::string problem_;
  std::size_t problem_at_ = 0;
};

/// A field's default in Avro's binary encoding.
result<std::string> encode_default(std::span<const avro_node> nodes, node_id type,
                                   const json_value& json);

}  // namespace cloudflow::schema::internal
