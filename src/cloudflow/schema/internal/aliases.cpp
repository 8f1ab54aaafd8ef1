#include "cloudflow/schema/internal/resolution_program.hpp"

#include <fmt/format.h>

#include <map>
#include <set>

namespace cloudflow::schema::internal {

namespace {

using names = std::map<std::string, std::string, std::less<>>;

/// Calls `see(node)` for each node that can be reached, once.
template <class See>
void walk(const avro_schema& schema, node_id id, std::vector<bool>& seen, See& see) {
  if (seen[id]) return;
  seen[id] = true;
  const auto& node = schema.node(id);
  see(node);
  for (const auto& field : node.fields) walk(schema, field.type, seen, see);
  for (const auto branch : node.branches) walk(schema, branch, seen, see);
  if (node.type == avro_type::array_type || node.type == avro_type::map_type)
    walk(schema, node.element, seen, see);
}

struct alias_table {
  names types;                          ///< alias -> the reader's name
  std::map<std::string, names> fields;  ///< the reader's record -> alias -> field
};

alias_table aliases_of(const avro_schema& reader) {
  alias_table table;
  auto collect = [&](const avro_node& node) {
    for (const auto& alias : node.aliases) table.types.insert_or_assign(alias, node.name);
    for (const auto& field : node.fields)
      for (const auto& alias : field.aliases)
        table.fields[node.name].insert_or_assign(alias, field.name);
  };
  std::vector<bool> seen(reader.nodes().size());
  walk(reader, reader.root_id(), seen, collect);
  return table;
}

std::string renamed(const names& table, const std::string& name) {
  const auto found = table.find(name);
  return found == table.end() ? name : found->second;
}

/// Two branches of a union that the aliases give the same name could not be told apart.
result<void> check_unions(const std::vector<avro_node>& nodes) {
  for (const auto& node : nodes) {
    std::set<std::string_view> seen;
    for (const auto branch : node.branches)
      if (!seen.insert(name_of(nodes[branch])).second)
        return error{fmt::format(
            "expected the reader's aliases to give each branch of a union a name of its own, found "
            "{} twice",
            name_of(nodes[branch]))};
  }
  return {};
}

}  // namespace

result<avro_schema> apply_aliases(const avro_schema& writer, const avro_schema& reader) {
  const auto table = aliases_of(reader);
  if (table.types.empty() && table.fields.empty()) return writer;
  std::vector nodes(writer.nodes().begin(), writer.nodes().end());
  for (auto& node : nodes) {
    const auto old_name = node.name;
    node.name = renamed(table.types, old_name);
    const auto fields = table.fields.find(node.name);
    if (node.type != avro_type::record_type || fields == table.fields.end()) continue;
    std::map<std::string, std::string> new_names;
    for (auto& field : node.fields) {
      const auto old_field = field.name;
      field.name = renamed(fields->second, old_field);
      const auto [at, is_new] = new_names.emplace(field.name, old_field);
      if (!is_new)
        return error{fmt::format(
            "expected the aliases of {} to give each field of {} a name of its own, found {} "
            "for both {} and {}",
            node.name, old_name, field.name, at->second, old_field)};
    }
  }
  CLOUDFLOW_TRY(check_unions(nodes));
  return avro_schema{std::move(nodes), writer.root_id()};
}

}  // namespace cloudflow::schema::internal
