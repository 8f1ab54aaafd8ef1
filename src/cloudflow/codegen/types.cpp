#include "cloudflow/codegen/types.hpp"

#include "cloudflow/codegen/names.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

namespace cloudflow::codegen {

using schema::avro_node;
using schema::avro_type;
using schema::logical_type;
using schema::node_id;

namespace {

cpp_types plain(std::string_view traits, std::string_view type) {
  return {fmt::format("cloudflow::generated::{}", traits), std::string{type}, std::string{type},
          "{}"};
}

std::optional<cpp_types> map_logical(const avro_node& node) {
  switch (node.logical) {
    case logical_type::timestamp_millis:
      return plain("as_timestamp_millis", "cloudflow::timestamp");
    case logical_type::timestamp_micros:
      return plain("as_timestamp_micros", "std::chrono::sys_time<std::chrono::microseconds>");
    case logical_type::local_timestamp_millis:
      return plain("as_local_timestamp_millis",
                   "std::chrono::local_time<std::chrono::milliseconds>");
    case logical_type::local_timestamp_micros:
      return plain("as_local_timestamp_micros",
                   "std::chrono::local_time<std::chrono::microseconds>");
    case logical_type::date: return plain("as_date", "std::chrono::sys_days");
    case logical_type::time_millis: return plain("as_time_millis", "std::chrono::milliseconds");
    case logical_type::time_micros: return plain("as_time_micros", "std::chrono::microseconds");
    case logical_type::none:
    case logical_type::uuid:
    case logical_type::decimal:
    case logical_type::duration: return std::nullopt;
  }
  return std::nullopt;
}

std::string generated(std::string_view pattern, std::string_view argument) {
  return fmt::format("cloudflow::generated::{}<{}>", pattern, argument);
}

}  // namespace

type_mapper::type_mapper(std::span<const avro_node> nodes)
  : nodes_(nodes), reaches_(nodes.size(), std::vector<bool>(nodes.size())) {
  // Warshall's closure over "holds by value".
  for (node_id record = 0; record != nodes_.size(); ++record)
    for (const auto& field : nodes_[record].fields) {
      std::vector<node_id> held;
      collect_held(field.type, held);
      for (const auto h : held) reaches_[record][h] = true;
    }
  for (node_id via = 0; via != nodes_.size(); ++via)
    for (node_id from = 0; from != nodes_.size(); ++from)
      for (node_id to = 0; reaches_[from][via] && to != nodes_.size(); ++to)
        if (reaches_[via][to]) reaches_[from][to] = true;
}

void type_mapper::collect_held(node_id type, std::vector<node_id>& out) const {
  const auto& node = nodes_[type];
  if (node.type == avro_type::record_type) out.push_back(type);
  for (const auto branch : node.branches) collect_held(branch, out);
}

bool type_mapper::is_recursive_edge(node_id held, node_id within) const {
  return held == within || reaches_[held][within];
}

std::vector<node_id> type_mapper::held_by_value(node_id record) const {
  std::vector<node_id> held;
  for (const auto& field : nodes_[record].fields) collect_held(field.type, held);
  std::erase_if(held, [&](node_id h) { return is_recursive_edge(h, record); });
  return held;
}

cpp_types type_mapper::map(node_id type, node_id within) const {
  const auto& node = nodes_[type];
  if (auto logical = map_logical(node)) return *logical;
  switch (node.type) {
    case avro_type::null_type: return plain("as_null", "std::monostate");
    case avro_type::boolean_type: return plain("as_boolean", "bool");
    case avro_type::int_type: return plain("as_int", "std::int32_t");
    case avro_type::long_type: return plain("as_long", "std::int64_t");
    case avro_type::float_type: return plain("as_float", "float");
    case avro_type::double_type: return plain("as_double", "double");
    case avro_type::bytes_type:
      return {"cloudflow::generated::as_bytes", "std::vector<std::byte>", "cloudflow::bytes_view",
              "{}"};
    case avro_type::string_type:
      return {"cloudflow::generated::as_string", "std::string", "std::string_view", "{}"};
    case avro_type::fixed_type:
      return plain(fmt::format("as_fixed<{}>", node.size),
                   fmt::format("std::array<std::byte, {}>", node.size));
    case avro_type::enum_type: {
      const auto name = cpp_type(node.name);
      return plain(fmt::format("as_enum<{}, {}>", name, node.symbols.size()), name);
    }
    case avro_type::record_type: return map_named(type, within);
    case avro_type::array_type: {
      const auto item = map(node.element, type);
      return {generated("as_array", item.traits), fmt::format("std::vector<{}>", item.owner),
              generated("array_view", item.traits), "{}"};
    }
    case avro_type::map_type: {
      const auto value = map(node.element, type);
      return {generated("as_map", value.traits),
              fmt::format("std::map<std::string, {}, std::less<>>", value.owner),
              generated("map_view", value.traits), "{}"};
    }
    case avro_type::union_type: return map_union(type, within);
  }
  return {};
}

cpp_types type_mapper::map_named(node_id type, node_id within) const {
  const auto name = cpp_type(nodes_[type].name);
  if (is_recursive_edge(type, within))
    return {generated("as_boxed", name), fmt::format("cloudflow::box<{}>", name),
            fmt::format("cloudflow::lazy_view<{}>", name), "{}"};
  return {generated("as_record", name), name, name + "::view", "{}"};
}

cpp_types type_mapper::map_union(node_id type, node_id within) const {
  const auto& branches = nodes_[type].branches;
  const auto is_null = [&](node_id b) { return nodes_[b].type == avro_type::null_type; };
  if (branches.size() == 2 && (is_null(branches[0]) || is_null(branches[1]))) {
    const auto null_index = is_null(branches[0]) ? 0 : 1;
    const auto value = map(branches[static_cast<std::size_t>(1 - null_index)], within);
    return {fmt::format("cloudflow::generated::as_optional<{}, {}>", value.traits, null_index),
            fmt::format("std::optional<{}>", value.owner),
            fmt::format("std::optional<{}>", value.view), "{}"};
  }
  std::vector<std::string> traits, owners, views;
  std::size_t first_unboxed = 0;
  for (std::size_t i = branches.size(); i-- != 0;)
    if (nodes_[branches[i]].type != avro_type::record_type ||
        !is_recursive_edge(branches[i], within))
      first_unboxed = i;
  for (const auto branch : branches) {
    auto types = map(branch, within);
    traits.push_back(std::move(types.traits));
    owners.push_back(std::move(types.owner));
    views.push_back(std::move(types.view));
  }
  // A variant that began as a record of the kind it is in would never end being built.
  return {generated("as_union", fmt::format("{}", fmt::join(traits, ", "))),
          fmt::format("std::variant<{}>", fmt::join(owners, ", ")),
          fmt::format("std::variant<{}>", fmt::join(views, ", ")),
          first_unboxed == 0 ? "{}" : fmt::format("{{std::in_place_index<{}>}}", first_unboxed)};
}

}  // namespace cloudflow::codegen
