#pragma once

#include "cloudflow/base/result.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace cloudflow::connect {

/// One JSON object of a body, from its `{` to its `}`. Borrowed from the body.
struct json_document {
  std::string_view text;
  std::size_t index = 0;   ///< from 0, in the order of the body
  std::size_t offset = 0;  ///< byte of the body at which it begins

  bool operator==(const json_document&) const = default;
};

/// Where and why a body is not what is taken.
struct json_body_error {
  std::string message;               ///< with line and column
  std::size_t index = 0;             ///< of the document
  std::size_t line = 1, column = 1;  ///< from 1; columns count bytes

  bool operator==(const json_body_error&) const = default;
};

/// `line` and `column` of a byte of `text`, for errors inside of a document. Counted from 1.
struct text_position {
  std::size_t line = 1, column = 1;

  bool operator==(const text_position&) const = default;
};
text_position position_of(std::string_view text, std::size_t offset) noexcept;

/// Splits a request's body into its documents: one object; an array of objects; or objects one
/// after another, with line ends or other white space between them (newline-delimited JSON). An
/// empty array is no document at all.
///
/// Finds where objects end, by brackets and strings; what stands inside is for the one who decodes
/// it to check. Fails for an empty body, for anything else than objects, and for what is open at
/// the end.
result<std::vector<json_document>, json_body_error> split_json_body(std::string_view body);

}  // namespace cloudflow::connect
