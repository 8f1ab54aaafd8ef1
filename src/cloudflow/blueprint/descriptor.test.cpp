#include "cloudflow/blueprint/descriptor.hpp"

#include "cloudflow/blueprint/compatibility.hpp"
#include "cloudflow/blueprint/custom_resource.hpp"
#include "cloudflow/blueprint/descriptor_json.hpp"
#include "cloudflow/blueprint/parameter_value.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace cloudflow::blueprint {
namespace {

schema_descriptor raw_bytes() {
  return {"ByteArraySchema", "ByteArraySchema",
          "dwlWOQ4Sjx4PeuYwyPH0Hf8dvXa/re/h461LiDLWQSo=", "bytearray"};
}

streamlet_descriptor everything() {
  streamlet_descriptor d;
  d.class_name = "logproc.everything";
  d.description = "Has \"all\" fields.";
  d.labels = {"b", "a"};
  d.inlets = {{"in", raw_bytes(), "app"}, {"control", raw_bytes(), ""}};
  d.outlets = {{"out", raw_bytes(), ""}};
  d.config_parameters = {{"b-key", "d", "string", "[a-z]+", std::nullopt, true, false},
                         {"a-key", "d", "int32", std::nullopt, "20", false, true}};
  d.volume_mounts = {{"m", "/mnt/m", "ReadOnlyMany", ""}};
  d.attributes = {{"server", "cloudflow.internal.server.container-port"}};
  d.states = {{"counts", raw_bytes(), raw_bytes(), "tumbling", "in", raw_bytes()}};
  return d;
}

TEST(descriptor_json, has_the_fields_of_2_3_and_ours) {
  const auto schema =
      R"({"name":"ByteArraySchema","schema":"ByteArraySchema",)"
      R"("fingerprint":"dwlWOQ4Sjx4PeuYwyPH0Hf8dvXa/re/h461LiDLWQSo=","format":"bytearray"})";
  const std::string expected =
      std::string{R"({"class_name":"logproc.everything","runtime":"native","labels":["a","b"],)"} +
      R"("description":"Has \"all\" fields.","inlets":[{"name":"in","schema":)" + schema +
      R"(,"key":"app"},{"name":"control","schema":)" + schema +
      R"(}],"outlets":[{"name":"out","schema":)" + schema +
      R"(}],"config_parameters":[)"
      R"({"key":"a-key","description":"d","validation_type":"int32","default_value":"20","live":true},)"
      R"({"key":"b-key","description":"d","validation_type":"string","validation_pattern":"[a-z]+",)"
      R"("secret":true}],"volume_mounts":[{"name":"m","path":"/mnt/m","access_mode":"ReadOnlyMany",)"
      R"("pvc_name":""}],"attributes":[{"attribute_name":"server","config_path":)"
      R"("cloudflow.internal.server.container-port"}],"states":[{"name":"counts","key":)" +
      schema + R"(,"value":)" + schema + R"(,"window":"tumbling","inlet":"in",)" +
      R"("repartition":)" + schema + "}]}";
  EXPECT_EQ(to_json(everything()), expected);
}

TEST(descriptor_json, of_another_runtime_has_ports_sorted_by_name) {
  auto other = everything();
  other.runtime = "akka";
  const auto read = descriptors_from_json(to_json(other));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ((*read)[0].inlets[0].name, "control");
}

TEST(descriptor_json, reads_back_what_it_wrote) {
  const auto text = to_json(std::vector{everything(), streamlet_descriptor{.class_name = "a.b"}});
  const auto read = descriptors_from_json(text);
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_EQ(read->size(), 2u);
  EXPECT_EQ((*read)[0].states, everything().states);
  EXPECT_EQ((*read)[0].inlets, everything().inlets);
  EXPECT_EQ((*read)[0].config_parameters[1], everything().config_parameters[0]);
  EXPECT_EQ(to_json(*read), text);
}

TEST(descriptor_json, ignores_fields_it_does_not_know_and_names_those_that_are_missing) {
  auto json = nlohmann::json::parse(to_json(everything()));
  json["project_id"] = "p";
  EXPECT_TRUE(descriptor_from_json(json.dump()));
  json["outlets"][0]["schema"].erase("format");
  const auto read = descriptor_from_json(json.dump());
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().message,
            "The descriptor of streamlet class 'logproc.everything' is not valid: "
            "'outlets[0].schema.format' must be there and a string.");
}

TEST(descriptor_json, refuses_what_is_no_descriptor_without_a_crash) {
  for (const auto* text : {"", "{", "3", "[3]", "[[]]", "null", R"({"class_name":3})",
                           R"({"class_name":"a","inlets":{}})"})
    EXPECT_FALSE(descriptors_from_json(text)) << text;
  auto json = nlohmann::json::parse(to_json(everything()));
  for (const auto& [field, value] : json.items()) {
    auto broken = json;
    broken[field] = 7;
    EXPECT_FALSE(descriptor_from_json(broken.dump())) << field;
    broken[field] = nlohmann::json::array({7});
    EXPECT_FALSE(descriptor_from_json(broken.dump())) << field;
  }
}

TEST(application, is_written_as_the_custom_resource_of_2_3) {
  const std::vector<streamlet_descriptor> descriptors{everything()};
  auto found = verify(
      "blueprint { streamlets.s = logproc.everything, topics { a { producers = [s.out], consumers "
      "= "
      "[s.in, s.control], managed = no, cluster = c } } }",
      "b.conf", descriptors);
  ASSERT_TRUE(found.is_valid() || found.problems[0].kind == problem_kind::key_mismatch);
  const auto app = make_application("My App", "0.1", std::move(found.blueprint));
  const auto json = nlohmann::json::parse(to_custom_resource_json(app, {.library_version = "3.0.0",
                                                                        .cli_version = "3.0.1",
                                                                        .image = "one",
                                                                        .images = {{"s", "two"}}}));
  EXPECT_EQ(json["kind"], "CloudflowApplication");
  EXPECT_EQ(json["apiVersion"], "cloudflow.lightbend.com/v1alpha1");
  EXPECT_EQ(json["metadata"].dump(),
            R"({"annotations":{"com.lightbend.cloudflow/created-by-cli-version":"3.0.1"},)"
            R"("labels":{"app.kubernetes.io/managed-by":"cloudflow",)"
            R"("app.kubernetes.io/part-of":"myapp","com.lightbend.cloudflow/app-id":"myapp"},)"
            R"("name":"myapp"})");
  const auto& deployment = json["spec"]["deployments"][0];
  EXPECT_EQ(deployment["image"], "two");
  EXPECT_EQ(deployment["endpoint"].dump(),
            R"({"app_id":"myapp","container_port":3000,"streamlet":"s"})");
  EXPECT_EQ(deployment["config"].dump(),
            R"({"cloudflow":{"internal":{"server":{"container-port":3000}}}})");
  EXPECT_EQ(deployment["port_mappings"].dump(),
            R"({"control":{"cluster":"c","config":{"managed":"no"},"id":"a"},)"
            R"("in":{"cluster":"c","config":{"managed":"no"},"id":"a"},)"
            R"("out":{"cluster":"c","config":{"managed":"no"},"id":"a"}})");
  EXPECT_EQ(json["spec"]["streamlets"][0]["descriptor"]["inlets"][0]["schema"]["schema"],
            "ByteArraySchema");
}

TEST(compatibility, of_equal_fingerprints_needs_no_schema_text) {
  auto other = raw_bytes();
  EXPECT_EQ(incompatibility(raw_bytes(), other), std::nullopt);
  other.fingerprint = "else";
  EXPECT_NE(incompatibility(raw_bytes(), other), std::nullopt);
  other = raw_bytes();
  other.format = "avro";
  EXPECT_EQ(incompatibility(raw_bytes(), other),
            "ByteArraySchema is bytearray, ByteArraySchema is avro");
}

TEST(compatibility, of_avro_schemas_needs_both_to_read_each_other) {
  const auto record = [](std::string fields) {
    return schema_descriptor{"n.R", R"({"type":"record","name":"n.R","fields":[)" + fields + "]}",
                             fields, "avro"};
  };
  const auto plain = record(R"({"name":"id","type":"string"})");
  const auto more =
      record(R"({"name":"id","type":"string"},{"name":"tag","type":"string","default":""})");
  const auto needed = record(R"({"name":"id","type":"string"},{"name":"tag","type":"string"})");
  EXPECT_EQ(incompatibility(plain, more), std::nullopt);
  EXPECT_NE(incompatibility(plain, needed), std::nullopt);
  EXPECT_NE(incompatibility(needed, plain), std::nullopt);
  const auto broken = incompatibility(plain, record("{"));
  ASSERT_TRUE(broken);
  EXPECT_NE(broken->find("n.R"), std::string::npos);
}

TEST(parameter_value, is_checked_by_its_type) {
  const auto is_valid = [](const char* type, const char* text) {
    return check_value({.key = "k", .validation_type = type}, text).has_value();
  };
  for (const auto& [type, text] :
       std::vector<std::pair<const char*, const char*>>{{"int32", "-7"},
                                                        {"int32", "+7"},
                                                        {"double", "3.14"},
                                                        {"double", "1e3"},
                                                        {"bool", "on"},
                                                        {"duration", "1 minute"},
                                                        {"duration", "100"},
                                                        {"memorysize", "20 M"},
                                                        {"string", ""}})
    EXPECT_TRUE(is_valid(type, text)) << type << " " << text;
  for (const auto& [type, text] :
       std::vector<std::pair<const char*, const char*>>{{"int32", ""},
                                                        {"int32", "3.5"},
                                                        {"int32", "2147483648"},
                                                        {"int32", "7x"},
                                                        {"double", "x"},
                                                        {"double", "nan"},
                                                        {"double", "-inf"},
                                                        {"bool", "perhaps"},
                                                        {"duration", "20 parsec"},
                                                        {"memorysize", "42 pigeons"},
                                                        {"list", "a"}})
    EXPECT_FALSE(is_valid(type, text)) << type << " " << text;
  EXPECT_EQ(check_value({.key = "k", .validation_type = "bool"}, "yes").value(), "true");
}

TEST(parameter_value, matches_its_whole_pattern) {
  const auto is_valid = [](const char* pattern, const char* text) {
    return check_value({.key = "k", .validation_type = "string", .validation_pattern = pattern},
                       text)
        .has_value();
  };
  EXPECT_TRUE(is_valid("^debug|info|warning|error$", "info"));
  EXPECT_FALSE(is_valid("^debug|info|warning|error$", "information"));
  EXPECT_TRUE(is_valid("(a)(b)", "ab")) << "2.3 refused every default of a pattern with groups";
}

TEST(parameter_value, has_a_pattern_that_java_and_re2_both_take) {
  for (const auto* pattern : {".*", "a{2}", "a{2,}", "a{2,3}", R"(\{)", "[{]", "[]{]", R"(\Q{\E)",
                              R"(\p{L}+)", R"(\x{41})"})
    EXPECT_EQ(pattern_problem(pattern), std::nullopt) << pattern;
  for (const auto* pattern : {"^.{1,65535$", "a{", "{1}", "a{,2}", "(", "[a", R"(\Q{\E{)", R"(\)"})
    EXPECT_NE(pattern_problem(pattern), std::nullopt) << pattern;
}

}  // namespace
}  // namespace cloudflow::blueprint
