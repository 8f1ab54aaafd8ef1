/// Reads the files of a schema set.
#pragma once

#include "cloudflow/base/result.hpp"
#include "cloudflow/codegen/emitter.hpp"

#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace cloudflow::codegen {

struct schema_set {
  std::vector<unit> units;
  std::vector<schema::avro_node> nodes;  ///< of all units
};

/// Schemas (.avsc) and protocols (.avpr), in the order given; a file may refer to types of the
/// files before it. Errors: a file that cannot be read; what `schema::avro_parser` says, with
/// `file:line:column`; a file that defines no record and no enum; two files that would be generated
/// under one name.
result<schema_set> read_schema_set(std::span<const std::filesystem::path> files);

}  // namespace cloudflow::codegen
