/// Which C++ types stand for a schema's types.
#pragma once

#include "cloudflow/schema/avro_schema.hpp"

#include <span>
#include <string>
#include <vector>

namespace cloudflow::codegen {

/// One type of a schema in C++. All names are fully qualified.
struct cpp_types {
  std::string traits;          ///< of cloudflow::generated: how it is read and written
  std::string owner;           ///< the member in the owning struct
  std::string view;            ///< the member in the view
  std::string initial = "{}";  ///< initialiser of both
};

/// Looks at a whole set of schemas. Immutable once built; refers to the nodes.
class type_mapper {
public:
  explicit type_mapper(std::span<const schema::avro_node> nodes);

  /// @param within the record with a field of that type; fields that would contain their own record
  /// are boxed
  cpp_types map(schema::node_id type, schema::node_id within) const;

  /// The records that must be complete before this one is defined: those it holds by value.
  std::vector<schema::node_id> held_by_value(schema::node_id record) const;

private:
  void collect_held(schema::node_id type, std::vector<schema::node_id>& out) const;
  bool is_recursive_edge(schema::node_id held, schema::node_id within) const;
  cpp_types map_named(schema::node_id type, schema::node_id within) const;
  cpp_types map_union(schema::node_id type, schema::node_id within) const;

  std::span<const schema::avro_node> nodes_;
  std::vector<std::vector<bool>>
      reaches_;  // [record][record]: by value, directly or through others
};

}  // namespace cloudflow::codegen
