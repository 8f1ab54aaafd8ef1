#pragma once

#include "cloudflow/base/result.hpp"
#include "cloudflow/schema/avro_schema.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace cloudflow::schema::internal {

/// Index of an operation in its program. Recursive schemas make programs that lead back into
/// themselves.
using op_id = std::uint32_t;

enum class op_kind : std::uint8_t {
  copy_nothing,
  copy_boolean,
  copy_int,
  copy_long,
  copy_four_bytes,
  copy_eight_bytes,
  copy_text,
  copy_fixed,
  int_to_float,
  long_to_float,
  int_to_double,
  long_to_double,
  float_to_double,
  map_symbol,    ///< an enum's index through `table`
  fill_record,   ///< runs `steps`
  array_items,   ///< `child` for each
  map_values,    ///< `child` for each
  choose,        ///< the writer's union: `branches[index]`
  enter_branch,  ///< writes the index `size` of the reader's union, then `child`
  fail,          ///< with `message`
};

/// One step of a record. In order, unless `reads_ahead`: then `writer_field` says from where a step
/// reads.
struct record_step {
  enum class kind : std::uint8_t { run, skip, put };
  kind what = kind::run;
  op_id op = 0;         ///< of `run`
  node_id skipped = 0;  ///< of `skip`: the writer's type
  std::string bytes{};  ///< of `put`: a default
  std::string name{};   ///< of the field, for messages
  std::size_t writer_field = 0;
};

struct resolution_op {
  op_kind kind = op_kind::copy_nothing;
  op_id child = 0;
  std::size_t size = 0;
  std::vector<std::int64_t> table{};   ///< -1: the reader has no such symbol
  std::vector<std::string> symbols{};  ///< of the writer
  std::vector<op_id> branches{};
  std::vector<record_step> steps{};
  bool reads_ahead = false;       ///< the reader has the fields in another order
  std::vector<node_id> fields{};  ///< types of the writer's fields, for reading ahead
  std::string message{};
};

struct resolution_program {
  avro_schema writer;
  std::vector<resolution_op> ops;
  op_id root = 0;
};

result<resolution_program> compile_resolution(const avro_schema& writer, const avro_schema& reader);

/// Whether running it would give back what it was given.
bool is_identity(const resolution_program& program);

/// The writer's schema with the names that the reader's aliases give its types and fields.
result<avro_schema> apply_aliases(const avro_schema& writer, const avro_schema& reader);

}  // namespace cloudflow::schema::internal
