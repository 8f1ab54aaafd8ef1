/// Any text is a schema or is refused; a schema comes back from its text.
#include "cloudflow/base/assert.hpp"
#include "cloudflow/schema/avro_schema.hpp"
#include "cloudflow/schema/resolution.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using cloudflow::schema::incompatibilities;
  using cloudflow::schema::parse_avro;
  using cloudflow::schema::resolution;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto parsed = parse_avro(text);
  if (!parsed) {
    CLOUDFLOW_ASSERT(!parsed.error().message.empty(), "a refusal without a reason");
    return 0;
  }
  const auto again = parse_avro(parsed->text());
  CLOUDFLOW_ASSERT(again.has_value(), "a schema's own text is no schema");
  CLOUDFLOW_ASSERT(again->text() == parsed->text(),
                   "a schema's text changes when it is read again");
  const auto resolved = resolution::compile(*parsed, *again);
  CLOUDFLOW_ASSERT(resolved && resolved->is_identity(), "a schema cannot be read as itself");
  CLOUDFLOW_ASSERT(incompatibilities(*parsed, *again).empty(),
                   "a schema is not compatible with itself");
  return 0;
}
