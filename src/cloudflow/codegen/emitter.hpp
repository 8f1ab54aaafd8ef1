/// Writes C++ for a set of schemas.
#pragma once

#include "cloudflow/base/result.hpp"
#include "cloudflow/schema/avro_schema.hpp"

#include <span>
#include <string>
#include <vector>

namespace cloudflow::codegen {

/// One file of schemas and the types that it defines.
struct unit {
  std::string stem;    ///< of the generated files: `log_message`
  std::string source;  ///< file name of the schema, without its folder
  std::vector<schema::node_id>
      defined;  ///< records and enums that this file defines, in their order
};

struct generated_file {
  std::string name;  ///< `log_message.hpp`
  std::string text;
};

/// The header and the source of each unit. The same input gives the same text, byte for byte.
/// Errors: two types of one namespace would get the same C++ name; a union without branches.
/// @param set the folder that the headers are included from: `log_schemas`
result<std::vector<generated_file>> emit(std::string_view set, std::span<const unit> units,
                                         std::span<const schema::avro_node> nodes);

/// Stands in generated files; changes when what is generated changes.
inline constexpr std::string_view generator_version = "1";

}  // namespace cloudflow::codegen
