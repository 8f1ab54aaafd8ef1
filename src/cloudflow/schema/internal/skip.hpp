#pragma once

#include "cloudflow/schema/avro_schema.hpp"
#include "cloudflow/schema/views.hpp"

namespace cloudflow::schema::internal {

/// How deep values may contain values. Generous: the schemas of real data are a handful deep, and only a record
/// that contains its own kind gets far.
inline constexpr unsigned max_depth = 512;

/// Takes one value of a type; errors are sticky in the reader.
void skip_value(const avro_schema& schema, node_id type, generated::reader& in, unsigned depth = 0);

/// Calls `item()` for each item of an array or map, `block(count)` before those of each block.
template <class Block, class Item>
void for_each_item(generated::reader& in, Block&& block, Item&& item) {
  while (auto left = generated::read_block_count(in)) {
    block(left);
    for (; left != 0 && in.ok(); --left) {
      const auto before = in.remaining();
      item();
      if (in.remaining() == before) in.count_empty_item();
    }
  }
}

}  // namespace cloudflow::schema::internal
