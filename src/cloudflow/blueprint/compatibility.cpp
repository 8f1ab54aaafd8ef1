#include "cloudflow/blueprint/compatibility.hpp"

#include "cloudflow/schema/resolution.hpp"

#include <fmt/format.h>

namespace cloudflow::blueprint {
namespace {

std::optional<std::string> avro_incompatibility(const schema_descriptor& a,
                                                const schema_descriptor& b) {
  const auto of_a = schema::parse_avro(a.schema);
  if (!of_a) return fmt::format("the schema {} cannot be read: {}", a.name, of_a.error().message);
  const auto of_b = schema::parse_avro(b.schema);
  if (!of_b) return fmt::format("the schema {} cannot be read: {}", b.name, of_b.error().message);
  const auto one_way = [](const schema_descriptor& writer, const schema::avro_schema& written,
                          const schema_descriptor& reader,
                          const schema::avro_schema& read) -> std::optional<std::string> {
    const auto reasons = schema::incompatibilities(written, read);
    if (reasons.empty()) return std::nullopt;
    return fmt::format("{} cannot be read as {}: {}", writer.name, reader.name, reasons.front());
  };
  if (auto reason = one_way(a, *of_a, b, *of_b)) return reason;
  return one_way(b, *of_b, a, *of_a);
}

}  // namespace

std::optional<std::string> incompatibility(const schema_descriptor& a, const schema_descriptor& b) {
  if (a.format != b.format)
    return fmt::format("{} is {}, {} is {}", a.name, a.format, b.name, b.format);
  if (a.fingerprint == b.fingerprint) return std::nullopt;
  if (a.format == "avro") return avro_incompatibility(a, b);
  return fmt::format("{} and {} have different fingerprints", a.name, b.name);
}

}  // namespace cloudflow::blueprint
