/// The first byte chooses two schemas, the rest is data of the first: it is printed, read as the
/// second, and read from what was printed.
#include "cloudflow/base/assert.hpp"
#include "cloudflow/schema/avro_json.hpp"
#include "cloudflow/schema/resolution.hpp"

#include <array>
#include <vector>

namespace {

using cloudflow::schema::avro_schema;
using cloudflow::schema::avro_to_json;
using cloudflow::schema::json_form;
using cloudflow::schema::json_to_avro;
using cloudflow::schema::parse_avro;
using cloudflow::schema::resolution;

constexpr std::array texts{
    R"({"type":"record","name":"L","fields":[{"name":"v","type":"long"},{"name":"next","type":["null","L"]}]})",
    R"({"type":"record","name":"L","fields":[{"name":"next","type":["L","null"]},{"name":"d","type":"string","default":"x"}]})",
    R"({"type":"record","name":"A","fields":[{"name":"n","type":{"type":"array","items":"null"}},
       {"name":"m","type":{"type":"map","values":["null","int","string",{"type":"array","items":"bytes"}]}},
       {"name":"e","type":{"type":"enum","name":"E","symbols":["X","Y"],"default":"X"}}]})",
    R"({"type":"record","name":"A","fields":[{"name":"e","type":{"type":"enum","name":"E","symbols":["Y","Z"],"default":"Z"}},
       {"name":"m","type":{"type":"map","values":["string","double",{"type":"array","items":"string"}]}}]})",
    R"({"type":"array","items":{"type":"record","name":"T","fields":[{"name":"t","type":{"type":"long","logicalType":"timestamp-micros"}},
       {"name":"f","type":{"type":"fixed","name":"F","size":3}},{"name":"r","type":["float","double","boolean"]}]}})",
    R"({"type":"map","values":{"type":"int","logicalType":"date"}})"};

std::vector<avro_schema> all_schemas() {
  std::vector<avro_schema> all;
  for (const auto* text : texts) {
    auto parsed = parse_avro(text);
    CLOUDFLOW_ASSERT(parsed.has_value(), "a schema of the fuzz target is none");
    all.push_back(*parsed);
  }
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto all = all_schemas();
  if (size == 0) return 0;
  const auto& writer = all[data[0] % all.size()];
  const auto& reader = all[data[0] / all.size() % all.size()];
  const std::string_view bytes{reinterpret_cast<const char*>(data) + 1, size - 1};

  cloudflow::byte_writer read, same, back;
  resolution::compile(writer, reader)->transcode(bytes, read).ignore("either outcome is fine");
  const bool is_data = resolution::compile(writer, writer)->transcode(bytes, same).has_value();
  for (const auto form : {json_form::plain, json_form::avro}) {
    std::string json;
    const bool printed = avro_to_json(writer, bytes, form, json).has_value();
    CLOUDFLOW_ASSERT(printed == is_data,
                     "the printer and the transcoder do not agree on what is data");
    if (!printed || form == json_form::plain) continue;
    // Keys that occur twice are data for Avro, but JSON of them is refused.
    if (json_to_avro(writer, json, back)) {
      std::string again;
      CLOUDFLOW_ASSERT(avro_to_json(writer, back.view(), form, again).has_value() && again == json,
                       "JSON changes when it is read again");
    }
  }
  // The same bytes as JSON, whatever they are.
  back.clear();
  json_to_avro(writer, bytes, back).ignore("either outcome is fine");
  return 0;
}
