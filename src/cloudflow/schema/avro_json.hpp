/// Avro's binary encoding to JSON and back, by schema.
#pragma once

#include "cloudflow/base/bytes.hpp"
#include "cloudflow/base/result.hpp"
#include "cloudflow/schema/avro_schema.hpp"

#include <string>
#include <string_view>

namespace cloudflow::schema {

enum class json_form : std::uint8_t {
  /// For people and their tools: the value of a union stands for itself; timestamps and dates are
  /// ISO 8601 where the
  /// year has four digits, otherwise numbers.
  plain,
  /// As `plain`, but logical types do not show: times are numbers, as they are stored.
  numbers,
  /// "JSON Encoding" of the Avro specification: the value of a union is `null` or `{"type":
  /// value}`; logical types
  /// do not show.
  avro,
};

/// Appends one complete value as one line of JSON, members in the order of the schema. In both
/// forms bytes are a string whose characters U+0000 to U+00FF stand for one byte each, NaN and the
/// infinities are strings, and text that is not UTF-8 has U+FFFD where it is not. When it fails,
/// `out` is as before. Errors: bytes that are no value of the schema, with the path of the field.
result<void> avro_to_json(const avro_schema& schema, std::string_view bytes, json_form form,
                          std::string& out);

struct json_to_avro_options {
  bool ignore_unknown_fields =
      false;  ///< otherwise a member that the record does not have is an error
  /// Text with the logical type uuid has to be one; Avro itself takes any.
  bool check_uuids = false;
};

/// Appends a JSON value (in either form) in Avro's binary encoding. Fields that are not there take
/// their defaults; timestamps and dates may be numbers or ISO 8601. When it fails, `out` is as
/// before. Errors: text that is no JSON, with `line:column`; a value that does not fit, with
/// `line:column`, the field's path, what was expected and what was found.
result<void> json_to_avro(const avro_schema& schema, std::string_view json, byte_writer& out,
                          json_to_avro_options options = {});

}  // namespace cloudflow::schema
