/// Compares with what Avro 1.11.1 for Java says: 400 pairs of schemas with data, in
/// testdata/avro.jsonl.gz.
#include "cloudflow/base/base64.hpp"
#include "cloudflow/schema/avro_json.hpp"
#include "cloudflow/schema/avro_schema.hpp"
#include "cloudflow/schema/resolution.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <zlib.h>

#include <cstdlib>
#include <string>
#include <vector>

namespace {

using cloudflow::byte_writer;
using cloudflow::to_base64;
using cloudflow::schema::avro_schema;
using cloudflow::schema::avro_to_json;
using cloudflow::schema::incompatibilities;
using cloudflow::schema::json_form;
using cloudflow::schema::json_to_avro;
using cloudflow::schema::parse_avro;
using cloudflow::schema::resolution;
using nlohmann::json;

std::string unpacked(const std::string& path) {
  std::string text;
  const auto file = gzopen(path.c_str(), "rb");
  if (file == nullptr) return text;
  char buffer[1 << 16];
  for (int n = 0; (n = gzread(file, buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(n));
  gzclose(file);
  return text;
}

std::vector<json> read_cases() {
  std::vector<json> cases;
  const auto text = unpacked(CLOUDFLOW_SOURCE_DIR "/src/cloudflow/schema/testdata/avro.jsonl.gz");
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find('\n', at);
    cases.push_back(json::parse(text.substr(at, end - at)));
    at = end == std::string::npos ? text.size() : end + 1;
  }
  return cases;
}
const std::vector<json>& cases() {
  static const auto all = read_cases();
  return all;
}

std::string from_hex(const std::string& hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return bytes;
}

/// Equal as JSON; numbers as numbers, also where one was printed from a float.
bool same(const json& a, const json& b) {
  if (a.is_number() && b.is_number()) {
    const auto x = a.get<double>(), y = b.get<double>();
    return x == y || static_cast<float>(x) == static_cast<float>(y);
  }
  if (a.type() != b.type() || a.size() != b.size()) return false;
  if (a.is_object()) {
    for (const auto& [name, value] : a.items())
      if (!b.contains(name) || !same(value, b[name])) return false;
    return true;
  }
  if (!a.is_array()) return a == b;
  for (std::size_t i = 0; i != a.size(); ++i)
    if (!same(a[i], b[i])) return false;
  return true;
}

std::string to_avro_json(const avro_schema& schema, std::string_view bytes,
                         json_form form = json_form::avro) {
  std::string out;
  const auto done = avro_to_json(schema, bytes, form, out);
  return done ? out : "error: " + done.error().message;
}

struct schema_pair {
  avro_schema writer, reader;
};
std::optional<schema_pair> schemas_of(const json& one) {
  auto writer = parse_avro(one["writer"].get<std::string>());
  auto reader = parse_avro(one["reader"].get<std::string>());
  EXPECT_EQ(writer.has_value(), !one.contains("writerError")) << one["writer"];
  EXPECT_EQ(reader.has_value(), !one.contains("readerError")) << one["reader"];
  if (!writer || !reader) return std::nullopt;
  return schema_pair{*writer, *reader};
}

TEST(avro_for_java, agrees_on_which_schemas_are_valid_their_canonical_form_and_fingerprint) {
  ASSERT_EQ(cases().size(), 400);
  for (const auto& one : cases()) {
    const auto schemas = schemas_of(one);
    if (!schemas) continue;
    EXPECT_EQ(schemas->writer.canonical(), one["writerCanonical"].get<std::string>());
    EXPECT_EQ(schemas->reader.canonical(), one["readerCanonical"].get<std::string>());
    EXPECT_EQ(to_base64(schemas->writer.fingerprint()),
              one["writerFingerprint"].get<std::string>());
    EXPECT_EQ(to_base64(schemas->reader.fingerprint()),
              one["readerFingerprint"].get<std::string>());
  }
}

TEST(avro_for_java, agrees_on_which_schemas_are_compatible) {
  for (const auto& one : cases()) {
    const auto schemas = schemas_of(one);
    if (!schemas) continue;
    const auto problems = incompatibilities(schemas->writer, schemas->reader);
    EXPECT_EQ(problems.empty(), one["compatible"] == "COMPATIBLE")
        << one["id"] << "\n"
        << one["writer"] << "\n"
        << one["reader"] << "\n"
        << (problems.empty() ? "" : problems.front());
  }
}

TEST(avro_for_java, agrees_on_data_as_it_was_written) {
  for (const auto& one : cases()) {
    const auto schemas = schemas_of(one);
    if (!schemas) continue;
    for (const auto& datum : one["data"]) {
      const auto printed = to_avro_json(schemas->writer, from_hex(datum["hex"]));
      EXPECT_TRUE(same(json::parse(printed, nullptr, false),
                       json::parse(datum["asWritten"].get<std::string>())))
          << one["id"] << ": " << printed << "\n"
          << datum["asWritten"];
    }
  }
}

TEST(avro_for_java, agrees_on_data_as_the_reader_sees_it) {
  for (const auto& one : cases()) {
    const auto schemas = schemas_of(one);
    if (!schemas) continue;
    const auto resolved = resolution::compile(schemas->writer, schemas->reader);
    ASSERT_TRUE(resolved) << resolved.error().message;
    for (const auto& datum : one["data"]) {
      byte_writer out;
      const auto done = resolved->transcode(from_hex(datum["hex"]), out);
      EXPECT_EQ(done.has_value(), datum.contains("asRead"))
          << one["id"] << one["writer"] << "\n"
          << one["reader"] << "\n"
          << datum << (done ? "" : done.error().message);
      if (!done || !datum.contains("asRead")) continue;
      const auto printed = to_avro_json(schemas->reader, out.view());
      EXPECT_TRUE(same(json::parse(printed, nullptr, false),
                       json::parse(datum["asRead"].get<std::string>())))
          << one["id"] << ": " << printed << "\n"
          << datum["asRead"];
      if (resolved->is_identity()) {
        EXPECT_EQ(out.view(), from_hex(datum["hex"]));
      }
    }
  }
}

TEST(avro_for_java, sees_its_data_come_back_from_json) {
  for (const auto& one : cases()) {
    const auto schemas = schemas_of(one);
    if (!schemas) continue;
    for (const auto& datum : one["data"]) {
      const auto printed = to_avro_json(schemas->writer, from_hex(datum["hex"]));
      byte_writer out;
      const auto done = json_to_avro(schemas->writer, printed, out);
      ASSERT_TRUE(done) << done.error().message << "\n" << printed;
      EXPECT_EQ(to_avro_json(schemas->writer, out.view()), printed) << one["writer"];
    }
  }
}

TEST(avro_for_java, sees_its_data_accepted_as_plain_json) {
  for (const auto& one : cases()) {
    const auto schemas = schemas_of(one);
    if (!schemas) continue;
    for (const auto& datum : one["data"]) {
      const auto printed = to_avro_json(schemas->writer, from_hex(datum["hex"]), json_form::plain);
      byte_writer out;
      const auto done = json_to_avro(schemas->writer, printed, out);
      ASSERT_TRUE(done) << done.error().message << "\n" << printed;
    }
  }
}

TEST(avro_for_java, sees_each_schema_come_back_from_its_text) {
  for (const auto& one : cases()) {
    const auto schemas = schemas_of(one);
    if (!schemas) continue;
    const auto again = parse_avro(schemas->reader.text());
    ASSERT_TRUE(again) << again.error().message << "\n" << schemas->reader.text();
    EXPECT_EQ(again->text(), schemas->reader.text());
    EXPECT_EQ(again->canonical(), schemas->reader.canonical());
  }
}

TEST(avro_for_java, sees_no_part_of_its_data_taken_for_data) {
  for (const auto& one : cases()) {
    const auto schemas = schemas_of(one);
    if (!schemas) continue;
    const auto resolved = resolution::compile(schemas->writer, schemas->reader);
    const auto bytes = from_hex(one["data"][0]["hex"]);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      byte_writer out;
      EXPECT_FALSE(resolved->transcode(std::string_view{bytes}.substr(0, size), out));
      EXPECT_TRUE(out.empty());
    }
  }
}

}  // namespace
