#pragma once

#include "cloudflow/schema/avro_json.hpp"
#include "cloudflow/schema/views.hpp"

#include <string>

namespace cloudflow::schema::internal {

/// Appends one value as JSON. Used once; errors are sticky in the reader.
class json_printer {
public:
  json_printer(const avro_schema& schema, json_form form, std::string_view in, std::string& out)
    : schema_(schema), form_(form), in_(in), out_(out) {}

  result<void> print();

private:
  void put(node_id id, unsigned depth);
  void put_number(const avro_node& node);
  template <class Real>
  void put_real(Real value);
  void put_latin1(std::string_view bytes);
  void put_symbol(const avro_node& node);
  void put_record(const avro_node& node, unsigned depth);
  void put_items(const avro_node& node, unsigned depth);
  void put_union(const avro_node& node, unsigned depth);

  const avro_schema& schema_;
  json_form form_;
  generated::reader in_;
  std::string& out_;
  std::string path_;  // of what is wrong, put together on the way out
};

}  // namespace cloudflow::schema::internal
