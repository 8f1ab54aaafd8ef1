/// Values of a schema made at random, for tests: the same seed gives the same values.
#pragma once

#include "cloudflow/base/bytes.hpp"
#include "cloudflow/schema/avro_schema.hpp"

#include <cstdint>
#include <random>
#include <string>

namespace cloudflow::codegen {

/// Encodes values in any way that Avro allows: arrays and maps in several blocks, with and without
/// their sizes.
class value_maker {
public:
  value_maker(const schema::avro_schema& schema, std::uint64_t seed)
    : schema_(schema), random_(seed) {}

  std::string make() {
    byte_writer out;
    put(schema_.root_id(), out, 0);
    return std::string{out.view()};
  }

private:
  std::int64_t below(std::int64_t limit) {
    return std::uniform_int_distribution<std::int64_t>{0, limit - 1}(random_);
  }
  /// Of all lengths in bytes alike.
  std::int64_t integer(int bits) {
    const auto value = static_cast<std::int64_t>(random_() >> (64 - bits + below(bits)));
    return below(2) == 0 ? value : -value;
  }
  std::string text() {
    std::string made;
    for (auto n = below(4) == 0 ? 0 : below(20); n > 0; --n)
      made += static_cast<char>('a' + below(26));
    return made;
  }

  void put(schema::node_id id, byte_writer& out, int depth) {
    using enum schema::avro_type;
    const auto& node = schema_.node(id);
    switch (node.type) {
      case null_type: return;
      case boolean_type: return out.put_byte(static_cast<std::uint8_t>(below(2)));
      case int_type: return out.put_long(integer(31));
      case long_type: return out.put_long(integer(62));
      case float_type: return out.put_fixed(static_cast<float>(integer(20)) / 8);
      case double_type: return out.put_fixed(static_cast<double>(integer(40)) / 8);
      case bytes_type:
      case string_type: return out.put_text(text());
      case fixed_type:
        for (std::size_t i = 0; i != node.size; ++i)
          out.put_byte(static_cast<std::uint8_t>(below(256)));
        return;
      case enum_type: return out.put_long(below(static_cast<std::int64_t>(node.symbols.size())));
      case record_type:
        for (const auto& field : node.fields) put(field.type, out, depth + 1);
        return;
      case array_type:
      case map_type: return put_blocks(node, out, depth);
      case union_type: return put_union(node, out, depth);
    }
  }
  void put_union(const schema::avro_node& node, byte_writer& out, int depth) {
    auto index = below(static_cast<std::int64_t>(node.branches.size()));
    for (std::size_t i = 0; depth > 6 && i != node.branches.size(); ++i)
      if (schema_.node(node.branches[i]).type == schema::avro_type::null_type)
        index = static_cast<std::int64_t>(i);
    out.put_long(index);
    put(node.branches[static_cast<std::size_t>(index)], out, depth + 1);
  }
  void put_blocks(const schema::avro_node& node, byte_writer& out, int depth) {
    for (auto blocks = depth > 6 ? 0 : below(3); blocks > 0; --blocks) {
      const auto count = 1 + below(3);
      byte_writer items;
      for (std::int64_t i = 0; i != count; ++i) {
        if (node.type == schema::avro_type::map_type) items.put_text(text());
        put(node.element, items, depth + 1);
      }
      const bool with_size = below(2) == 0;
      out.put_long(with_size ? -count : count);
      if (with_size) out.put_long(static_cast<std::int64_t>(items.size()));
      out.put_raw(items.view());
    }
    out.put_long(0);
  }

  const schema::avro_schema& schema_;
  std::mt19937_64 random_;
};

}  // namespace cloudflow::codegen
