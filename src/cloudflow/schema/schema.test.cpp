#include "cloudflow/base/base64.hpp"
#include "cloudflow/schema/avro_json.hpp"
#include "cloudflow/schema/avro_schema.hpp"
#include "cloudflow/schema/iso_time.hpp"
#include "cloudflow/schema/json.hpp"
#include "cloudflow/schema/resolution.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace {

using cloudflow::byte_writer;
using cloudflow::to_base64;
using cloudflow::schema::append_json;
using cloudflow::schema::avro_parser;
using cloudflow::schema::avro_schema;
using cloudflow::schema::avro_to_json;
using cloudflow::schema::incompatibilities;
using cloudflow::schema::json_form;
using cloudflow::schema::json_to_avro;
using cloudflow::schema::logical_type;
using cloudflow::schema::parse_avro;
using cloudflow::schema::parse_iso_time;
using cloudflow::schema::parse_json;
using cloudflow::schema::resolution;

avro_schema schema_of(std::string_view text) {
  auto parsed = parse_avro(text);
  EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().message);
  return parsed ? *parsed : *parse_avro(R"("null")");
}

std::string to_json(const avro_schema& schema, std::string_view bytes,
                    json_form form = json_form::plain) {
  std::string out;
  const auto done = avro_to_json(schema, bytes, form, out);
  return done ? out : done.error().message;
}

std::string avro_of(const avro_schema& schema, std::string_view json) {
  byte_writer out;
  const auto done = json_to_avro(schema, json, out);
  EXPECT_TRUE(done) << (done ? "" : done.error().message);
  return std::string{out.view()};
}

/// What a reader sees of a value of the writer, as JSON, or the error.
std::string read_as(std::string_view writer, std::string_view reader, std::string_view json) {
  const auto resolved = resolution::compile(schema_of(writer), schema_of(reader));
  if (!resolved) return resolved.error().message;
  byte_writer out;
  const auto done = resolved->transcode(avro_of(schema_of(writer), json), out);
  return done ? to_json(schema_of(reader), out.view()) : done.error().message;
}

TEST(json_to_avro, takes_only_uuids_for_uuids_when_asked_to) {
  const auto schema = schema_of(R"({"type": "string", "logicalType": "uuid"})");
  byte_writer out;
  EXPECT_TRUE(json_to_avro(schema, R"("123e4567-e89b-12d3-a456-42661417400A")", out,
                           {.check_uuids = true}));
  EXPECT_TRUE(json_to_avro(schema, R"("nope")", out));
  const auto refused = json_to_avro(schema, R"("nope")", out, {.check_uuids = true});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, R"(1:1: expected a string (uuid), found the string "nope")");
}

// -- model ----------------------------------------------------------------------------------------

TEST(avro_schema, has_the_fingerprint_that_a_descriptor_of_the_predecessor_holds) {
  const auto schema =
      schema_of(R"({"type":"record","name":"Data","namespace":"swissknife.data","fields":[
    {"name":"src","type":"string"},{"name":"timestamp","type":"long"},{"name":"count","type":"long"},
    {"name":"payload","type":"string","default":""}]})");
  EXPECT_EQ(to_base64(schema.fingerprint()), "V6a7UgrWyxrVF+U5yJsKLnUrpV/9y0FQe/OI5XO6eaY=");
}

TEST(avro_schema, keeps_every_attribute_in_its_text) {
  const auto* text =
      R"({"name":"a.R","type":"record","doc":"d\n","aliases":["a.Q"],"fields":[)"
      R"({"name":"f","type":{"type":"long","logicalType":"timestamp-millis"},"doc":"x","default":5,"aliases":["g"],"order":"ignore"},)"
      R"({"name":"e","type":{"name":"E","type":"enum","namespace":"","symbols":["A"],"default":"A"}},)"
      R"({"name":"self","type":["null","a.R"]}],"owner":{"team":[1,2]}})";
  EXPECT_EQ(schema_of(text).text(), text);
}

TEST(avro_schema, ignores_a_logical_type_that_is_not_valid_where_it_stands) {
  EXPECT_EQ(schema_of(R"({"type":"string","logicalType":"date"})").root().logical,
            logical_type::none);
  EXPECT_EQ(schema_of(R"({"type":"bytes","logicalType":"decimal"})").root().logical,
            logical_type::none);
  const auto decimal =
      schema_of(R"({"type":"bytes","logicalType":"decimal","precision":9,"scale":2})");
  EXPECT_EQ(decimal.root().logical, logical_type::decimal);
  EXPECT_EQ(decimal.root().scale, 2U);
}

TEST(avro_parser, lets_later_schemas_use_the_types_of_earlier_ones) {
  avro_parser parser;
  ASSERT_TRUE(parser.parse(R"({"type":"enum","name":"x.Level","symbols":["A"]})"));
  EXPECT_FALSE(
      parser.parse(R"({"type":"record","name":"x.Bad","fields":[{"name":"l","type":"Nope"}]})"));
  const auto second =
      parser.parse(R"({"type":"record","name":"x.Log","fields":[{"name":"l","type":"Level"}]})");
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(second->canonical(), R"({"name":"x.Log","type":"record","fields":[{"name":"l","type":)"
                                 R"({"name":"x.Level","type":"enum","symbols":["A"]}}]})");
  EXPECT_TRUE(parser.parse(R"({"type":"fixed","name":"x.Bad","size":1})"))
      << "a failed text defines nothing";
}

TEST(avro_parser, reads_the_types_of_a_protocol_with_comments) {
  avro_parser parser;
  const auto read = parser.parse_protocol(R"(// what is sent
    {"protocol": "Mail", "namespace": "post", "types": [ /* one */
      {"type": "record", "name": "Letter", "fields": []}, {"type": "array", "items": "Letter"}],
     "messages": {}})");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->name, "post.Mail");
  ASSERT_EQ(read->types.size(), 2U);
  EXPECT_EQ(read->types[0].name(), "post.Letter");
}

// -- resolution -----------------------------------------------------------------------------------

constexpr auto log_v1 = R"({"type":"record","name":"Log","fields":[
  {"name":"app","type":"string"},{"name":"line","type":"int"},{"name":"old","type":{"type":"array","items":"string"}}]})";
constexpr auto log_v2 = R"({"type":"record","name":"Log","fields":[
  {"name":"number","type":"long","aliases":["line"]},{"name":"app","type":"string"},{"name":"level","type":"string","default":"INFO"}]})";

TEST(resolution, drops_renames_reorders_promotes_and_fills_in_defaults) {
  EXPECT_EQ(read_as(log_v1, log_v2, R"({"app":"a","line":7,"old":["x","y"]})"),
            R"({"number":7,"app":"a","level":"INFO"})");
}

TEST(resolution, of_a_schema_with_itself_has_nothing_to_do) {
  const auto tree = schema_of(R"({"type":"record","name":"Tree","fields":[{"name":"v","type":"int"},
    {"name":"e","type":{"type":"enum","name":"E","symbols":["A","B"]}},{"name":"next","type":["null","Tree"]}]})");
  EXPECT_TRUE(resolution::compile(tree, tree)->is_identity());
  EXPECT_TRUE(resolution::compile(schema_of(R"("int")"), schema_of(R"("long")"))->is_identity());
  EXPECT_FALSE(
      resolution::compile(schema_of(R"("int")"), schema_of(R"(["null","int"])"))->is_identity());
  EXPECT_FALSE(resolution::compile(schema_of(log_v1), schema_of(log_v2))->is_identity());
}

TEST(resolution, fails_for_data_that_the_reader_has_no_place_for_and_names_the_field) {
  const auto* writer =
      R"({"type":"record","name":"R","fields":[{"name":"a","type":{"type":"array","items":["null","string"]}}]})";
  const auto* reader =
      R"({"type":"record","name":"R","fields":[{"name":"a","type":{"type":"array","items":"string"}}]})";
  EXPECT_EQ(read_as(writer, reader, R"({"a":["x"]})"), R"({"a":["x"]})");
  EXPECT_EQ(read_as(writer, reader, R"({"a":["x",null]})"), "a[1]: expected string, found null");
  EXPECT_EQ(
      read_as(log_v1, R"({"type":"record","name":"Log","fields":[{"name":"new","type":"int"}]})",
              R"({"app":"a","line":7,"old":[]})"),
      "expected Log, found Log without the field new, which has no default");
}

TEST(resolution, refuses_aliases_that_make_two_fields_one) {
  const auto* reader =
      R"({"type":"record","name":"Log","fields":[{"name":"app","type":"string","aliases":["line"]}]})";
  const auto resolved = resolution::compile(schema_of(log_v1), schema_of(reader));
  ASSERT_FALSE(resolved);
  EXPECT_EQ(resolved.error().message,
            "expected the aliases of Log to give each field of Log a name of its own, found app "
            "for both app and line");
}

TEST(incompatibilities, say_where_and_why) {
  const auto problems = incompatibilities(
      schema_of(
          R"({"type":"record","name":"A","fields":[{"name":"a","type":{"type":"array","items":"string"}},
                    {"name":"e","type":{"type":"enum","name":"E","symbols":["X","Y"]}}]})"),
      schema_of(
          R"({"type":"record","name":"B","fields":[{"name":"a","type":{"type":"array","items":"int"}},
                    {"name":"e","type":{"type":"enum","name":"E","symbols":["X"]}},{"name":"n","type":"int"}]})"));
  EXPECT_EQ(problems,
            (std::vector<std::string>{
                "a reader of B cannot read A; add the alias A to it if both are the same",
                "a.items: a reader of int cannot read string",
                "e: a reader of E without default has no symbol Y",
                "n: a reader without default for it cannot read A, which has no such field"}));
}

// -- hostile bytes --------------------------------------------------------------------------------

std::string bytes_of(std::initializer_list<std::int64_t> longs) {
  byte_writer out;
  for (const auto v : longs) out.put_long(v);
  return std::string{out.view()};
}

void expect_refused(std::string_view schema_text, const std::string& bytes) {
  const auto schema = schema_of(schema_text);
  std::string json = "before";
  EXPECT_FALSE(avro_to_json(schema, bytes, json_form::plain, json));
  EXPECT_EQ(json, "before");
  byte_writer out;
  EXPECT_FALSE(resolution::compile(schema, schema)->transcode(bytes, out));
  EXPECT_TRUE(out.empty());
}

TEST(hostile_bytes, are_refused_without_much_work) {
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  constexpr auto least = std::numeric_limits<std::int64_t>::min();
  expect_refused(R"("string")", bytes_of({most}));
  expect_refused(R"("string")", bytes_of({-1}));
  expect_refused(R"({"type":"array","items":"long"})", bytes_of({most, 1}));
  expect_refused(R"({"type":"array","items":"null"})", bytes_of({most, 0}));
  expect_refused(R"({"type":"array","items":"null"})", bytes_of({least, 0, 0}));
  expect_refused(R"({"type":"map","values":"null"})", bytes_of({most}));
  expect_refused(R"({"type":"array","items":"null"})", bytes_of({-10, 1, 0}));
  expect_refused(R"({"type":"array","items":"long"})", bytes_of({-1, 2, 7, 0}));
  expect_refused(R"(["null"])", bytes_of({1}));
  expect_refused(R"({"type":"enum","name":"E","symbols":["A"]})", bytes_of({-1}));
  expect_refused(R"({"type":"fixed","name":"F","size":2147483647})", "x");
  expect_refused(R"("int")", bytes_of({most}));
  expect_refused(R"("boolean")", "\x02");
  expect_refused(R"("long")", std::string(11, '\xff'));
  expect_refused(R"("null")", "x");
}

TEST(hostile_bytes, that_nest_without_end_are_refused) {
  for (const char* list :
       {R"({"type":"record","name":"L","fields":[{"name":"next","type":["null","L"]}]})",
        R"({"type":"record","name":"L","fields":[{"name":"next","type":["L","null"]}]})"}) {
    expect_refused(list, std::string(1'000'000, '\x02'));
    expect_refused(list, std::string(1'000'000, '\0'));
    expect_refused(list, "");
  }
  expect_refused(
      R"({"type":"record","name":"L","fields":[{"name":"next","type":{"type":"array","items":"L"}}]})",
      std::string(1'000'000, '\x02'));
}

TEST(hostile_json, that_nests_without_end_is_refused) {
  EXPECT_FALSE(parse_json(std::string(1'000'000, '[')));
  EXPECT_FALSE(parse_avro(std::string(1'000'000, '[')));
}

// -- JSON and time --------------------------------------------------------------------------------

TEST(avro_to_json, writes_one_plain_line_in_the_order_of_the_schema) {
  const auto schema = schema_of(R"({"type":"record","name":"S","fields":[
    {"name":"z","type":["null","string"]},{"name":"a","type":{"type":"long","logicalType":"timestamp-millis"}},
    {"name":"d","type":"double"},{"name":"b","type":"bytes"},{"name":"t","type":{"type":"int","logicalType":"date"}}]})");
  const auto json = R"({"z":"q\"\n","a":"2015-10-18T18:01:47.978Z","d":0.1,"b":")"
                    "\u00ff"
                    R"(","t":"2000-02-29"})";
  EXPECT_EQ(to_json(schema, avro_of(schema, json)), json);
  EXPECT_EQ(to_json(schema, avro_of(schema, json), json_form::avro),
            R"({"z":{"string":"q\"\n"},"a":1445191307978,"d":0.1,"b":")"
            "\u00ff"
            R"(","t":11016})");
}

TEST(avro_to_json, replaces_what_is_no_text_and_spells_out_what_is_no_number) {
  EXPECT_EQ(to_json(schema_of(R"("string")"), std::string("\x08"
                                                          "a\xff\xe2\x82",
                                                          5)),
            "\"a\uFFFD\uFFFD\"");
  byte_writer nan;
  nan.put_fixed(std::numeric_limits<double>::quiet_NaN());
  EXPECT_EQ(to_json(schema_of(R"("double")"), nan.view()), R"("NaN")");
}

TEST(avro_to_json, prints_a_time_beyond_four_digit_years_as_a_number) {
  const auto schema = schema_of(R"({"type":"long","logicalType":"timestamp-millis"})");
  for (const auto v :
       {std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()})
    EXPECT_EQ(to_json(schema, bytes_of({v})), std::to_string(v));
}

TEST(iso_time, is_read_with_offsets_and_fractions_and_refused_when_it_is_no_time) {
  const auto millis = [](std::string_view text) {
    const auto time = parse_iso_time(text);
    return time ? time->time_since_epoch().count() / 1000 : -1;
  };
  EXPECT_EQ(millis("1970-01-01T00:00:01.5Z"), 1500);
  EXPECT_EQ(millis("1970-01-01T01:00:00+0100"), 0);
  EXPECT_EQ(millis("1970-01-01 00:01"), 60'000);
  EXPECT_EQ(millis("1970-01-01T00:00:00,123456789"), 123);
  for (const auto* bad :
       {"", "1970", "1970-02-30T00:00:00Z", "1970-01-01", "1970-01-01T24:00:00Z",
        "1970-01-01T00:00:00.", "1970-01-01T00:00:00Zx", "1970-01-01T00:00:00+25:00"})
    EXPECT_EQ(millis(bad), -1) << bad;
}

TEST(json, keeps_what_it_read) {
  const auto* text = R"({"a":[1,-2.50e+3,true,null,"\u00e4\ud83d\ude00\\"],"b":{}})";
  const auto parsed = parse_json(text);
  ASSERT_TRUE(parsed) << parsed.error().message;
  std::string again;
  append_json(again, *parsed);
  EXPECT_EQ(again, "{\"a\":[1,-2.50e+3,true,null,\"\u00e4\U0001F600\\\\\"],\"b\":{}}");
}

TEST(json, is_refused_where_it_is_none) {
  for (const auto* bad :
       {"", "01", "1.", "1e", "-", "tru", "\"", "\"\\x\"", "\"\\u12g4\"", "\"\n\"", "\"\xff\"",
        "[1,]", "[1 2]", "{\"a\"}", "{a:1}", "{\"a\":1,}", "1 2", "// x\n1"})
    EXPECT_FALSE(parse_json(bad)) << bad;
}

}  // namespace
