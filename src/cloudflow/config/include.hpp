/// Other files in a document. Internal to config.
#pragma once

#include "cloudflow/config/value.hpp"

#include <memory>
#include <optional>
#include <string>

namespace cloudflow::config::detail {

struct parsed;

/// Where a text comes from: what its origins and its includes are relative to.
struct include_base {
  std::shared_ptr<const std::string> source;
  include_policy policy = include_policy::read;
  int files = 1;    ///< how many files are open around it, itself included
  int nesting = 0;  ///< how many objects of those files are around it
};

enum class include_kind { heuristic, file, url, classpath };

struct include_request {
  include_kind kind = include_kind::heuristic;
  std::string name;
  bool required = false;
  origin where = {};
};

/// Parses what a file includes. A missing file that is not required is an empty object; the
/// problems of a file that is there are its own. Reads files, so it may block.
parsed read_included(const include_request& request, const include_base& base);

/// The text of a file. Error: a problem of kind io with `where`.
result<std::string> read_text(const std::string& file, const origin& where);

}  // namespace cloudflow::config::detail
