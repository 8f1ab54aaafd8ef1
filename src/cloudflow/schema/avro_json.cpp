#include "cloudflow/schema/avro_json.hpp"

#include "cloudflow/schema/internal/json_encoder.hpp"
#include "cloudflow/schema/internal/json_printer.hpp"
#include "cloudflow/schema/json.hpp"

#include <fmt/format.h>

namespace cloudflow::schema {

result<void> avro_to_json(const avro_schema& schema, std::string_view bytes, json_form form,
                          std::string& out) {
  const auto before = out.size();
  auto done = internal::json_printer{schema, form, bytes, out}.print();
  if (!done) out.resize(before);
  return done;
}

result<void> json_to_avro(const avro_schema& schema, std::string_view json, byte_writer& out,
                          json_to_avro_options options) {
  const auto parsed = CLOUDFLOW_TRY(parse_json(json));
  const auto before = out.size();
  internal::json_encoder encoder{
      schema.nodes(),
      {.ignore_unknown_fields = options.ignore_unknown_fields, .check_uuids = options.check_uuids},
      out};
  if (encoder.encode(schema.root_id(), parsed)) return {};
  out.truncate(before);
  return error{fmt::format("{}: {}", position_in(json, encoder.problem_at()), encoder.problem())};
}

}  // namespace cloudflow::schema
