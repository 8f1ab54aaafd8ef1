/// JSON as a tree whose values know where they stand, for schemas and for records that arrive as
/// JSON.
#pragma once

#include "cloudflow/base/result.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace cloudflow::schema {

enum class json_kind : std::uint8_t { null, boolean, number, string, array, object };

/// One value. A value type; refers to nothing. Numbers keep their text, so that a long does not
/// pass through a double; `begin` and `end` are byte offsets in the text it was parsed from.
struct json_value {
  json_kind kind = json_kind::null;
  bool flag = false;
  std::string text{};                ///< of a string, without escapes; of a number, as written
  std::vector<json_value> items{};   ///< of an array; of an object, beside `names`
  std::vector<std::string> names{};  ///< of an object, in the order of the text
  std::size_t begin = 0, end = 0;

  /// The member of that name; null when this is no object or has none.
  const json_value* find(std::string_view name) const noexcept;
};

/// `null`, `boolean`, `number` ... as a message would say it.
std::string_view to_text(json_kind kind) noexcept;

struct json_options {
  bool comments = false;   ///< `//` and `/* */` count as white space
  std::size_t depth = 64;  ///< deeper nesting is an error
};

/// Parses exactly one value (RFC 8259, in UTF-8). Errors begin with `line:column: `; a name that
/// appears twice in an object is one of them.
result<json_value> parse_json(std::string_view text, json_options options = {});

/// `line:column` of a byte, both from 1; columns count bytes.
std::string position_in(std::string_view text, std::size_t at);

/// Appends `text` in quotes, escaped. Bytes that are not UTF-8 become U+FFFD.
void append_json_string(std::string& out, std::string_view text);

/// Appends the value without white space, members in their order.
void append_json(std::string& out, const json_value& value);

}  // namespace cloudflow::schema
