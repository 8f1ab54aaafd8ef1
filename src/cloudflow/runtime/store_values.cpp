#include "cloudflow/runtime/store_values.hpp"

#include "cloudflow/schema/resolution.hpp"

#include <fmt/format.h>

#include <optional>

namespace cloudflow::runtime {
namespace {

/// Of one pair: parsed anew for each, which costs nothing beside opening a store.
result<schema::resolution> resolution_of(const std::string& writer, const std::string& reader) {
  const auto from = schema::parse_avro(writer, "the recorded schema");
  if (!from) return error{from.error().message};
  const auto to = schema::parse_avro(reader, "the schema of the state");
  if (!to) return error{to.error().message};
  if (const auto all = schema::incompatibilities(*from, *to); !all.empty())
    return error{fmt::format("{}", fmt::join(all, "\n    "))};
  return schema::resolution::compile(*from, *to);
}

result<void> can_resolve(const std::string& writer, const std::string& reader) {
  CLOUDFLOW_TRY(resolution_of(writer, reader));
  return {};
}

}  // namespace

result<stores::stored_values> open_values(const pubsub::backend& log, pubsub::producer& writer,
                                          const app::store_spec& wanted) {
  const auto opened = CLOUDFLOW_TRY(app::open_store(log, writer, wanted, can_resolve));
  std::vector<stores::stored_values::conversion> conversions;
  for (const auto& schema : opened.value_schemas) {
    auto& conversion = conversions.emplace_back();
    if (schema == wanted.value_schema) continue;
    auto how = resolution_of(schema, wanted.value_schema);
    if (!how) return error{fmt::format("State store {}: {}", wanted.name, how.error().message)};
    if (how->is_identity()) continue;
    conversion = [how = std::move(how).value()](std::string_view value, byte_writer& to) {
      return how.transcode(value, to).has_value();
    };
  }
  return stores::stored_values{static_cast<std::uint8_t>(opened.current), std::move(conversions)};
}

}  // namespace cloudflow::runtime
