#include "cloudflow/schema/internal/skip.hpp"

namespace cloudflow::schema::internal {

void skip_value(const avro_schema& schema, node_id type, generated::reader& in, unsigned depth) {
  const auto& node = schema.node(type);
  if (depth > max_depth) in.fail();
  if (!in.ok()) return;  // what is read after an error may lead deeper without end
  const auto below = [&](node_id id) { skip_value(schema, id, in, depth + 1); };
  switch (node.type) {
    case avro_type::null_type: return;
    case avro_type::boolean_type: in.get_byte(); return;
    case avro_type::int_type:
    case avro_type::long_type:
    case avro_type::enum_type: in.get_long(); return;
    case avro_type::float_type: in.get_raw(sizeof(float)); return;
    case avro_type::double_type: in.get_raw(sizeof(double)); return;
    case avro_type::bytes_type:
    case avro_type::string_type: in.get_text(); return;
    case avro_type::fixed_type: in.get_raw(node.size); return;
    case avro_type::record_type:
      for (const auto& field : node.fields)
        if (in.ok()) below(field.type);
      return;
    case avro_type::array_type: return generated::read_blocks(in, [&] { below(node.element); });
    case avro_type::map_type:
      return generated::read_blocks(in, [&] {
        in.get_text();
        below(node.element);
      });
    case avro_type::union_type: {
      const auto index = static_cast<std::uint64_t>(in.get_long());
      if (index < node.branches.size()) return below(node.branches[index]);
      in.fail();
      return;
    }
  }
}

}  // namespace cloudflow::schema::internal
