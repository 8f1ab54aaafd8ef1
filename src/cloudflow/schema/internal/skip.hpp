#pragma once

#include "cloudflow/schema/avro_schema.hpp"
#include "cloudflow/schema/views.hpp"

namespace cloudflow::schema::internal {

/// How deep values may contain values. Generous: the schemas of real data are a handful deep, and
/// only a record that contains its own kind gets far.
inline constexpr unsigned max_depth = 512;

/// Takes one value of a type; errors are sticky in the reader.
void skip_value(const avro_schema& schema, node_id type, generated::reader& in, unsigned depth = 0);

}  // namespace cloudflow::schema::internal
