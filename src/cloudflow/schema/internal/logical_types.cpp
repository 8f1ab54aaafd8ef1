#include "cloudflow/schema/internal/logical_types.hpp"

#include <array>
#include <charconv>

namespace cloudflow::schema::internal {

namespace {

struct rule {
  logical_type logical;
  avro_type type;  ///< that it annotates
};

constexpr std::array rules{rule{logical_type::uuid, avro_type::string_type},
                           rule{logical_type::date, avro_type::int_type},
                           rule{logical_type::time_millis, avro_type::int_type},
                           rule{logical_type::time_micros, avro_type::long_type},
                           rule{logical_type::timestamp_millis, avro_type::long_type},
                           rule{logical_type::timestamp_micros, avro_type::long_type},
                           rule{logical_type::local_timestamp_millis, avro_type::long_type},
                           rule{logical_type::local_timestamp_micros, avro_type::long_type},
                           rule{logical_type::decimal, avro_type::bytes_type},
                           rule{logical_type::decimal, avro_type::fixed_type},
                           rule{logical_type::duration, avro_type::fixed_type}};

void set_decimal(avro_node& node, const json_value& json) {
  const auto precision = whole_number(json, "precision");
  const auto scale =
      json.find("scale") == nullptr ? std::optional{0U} : whole_number(json, "scale");
  if (!precision || *precision == 0 || !scale || *scale > *precision) return;
  node.logical = logical_type::decimal;
  node.precision = *precision;
  node.scale = *scale;
}

}  // namespace

void set_logical_type(avro_node& node, const json_value& json) {
  constexpr std::size_t duration_size = 12;
  const auto* name = json.find("logicalType");
  if (name == nullptr || name->kind != json_kind::string) return;
  for (const auto& [logical, type] : rules) {
    if (type != node.type || to_text(logical) != name->text) continue;
    if (logical == logical_type::decimal) return set_decimal(node, json);
    if (logical == logical_type::duration && node.size != duration_size) return;
    node.logical = logical;
  }
}

std::optional<std::uint32_t> whole_number(const json_value& json, std::string_view member) {
  const auto* found = json.find(member);
  if (found == nullptr || found->kind != json_kind::number) return std::nullopt;
  const auto& text = found->text;
  const auto* last = text.data() + text.size();
  std::int32_t value = 0;
  const auto [end, bad] = std::from_chars(text.data(), last, value);
  if (bad != std::errc{} || end != last || value < 0) return std::nullopt;
  return static_cast<std::uint32_t>(value);
}

}  // namespace cloudflow::schema::internal
