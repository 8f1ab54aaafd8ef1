#include "cloudflow/blueprint/custom_resource.hpp"

#include "cloudflow/blueprint/descriptor_json.hpp"
#include "cloudflow/blueprint/resolve.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace cloudflow::blueprint {
namespace {

using nlohmann::json;
using testing::HasSubstr, testing::SizeIs;

std::string read_file(const std::filesystem::path& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

/// An application of the test data, and what is configured for it.
struct example {
  application app;
  config::value configuration;
};

std::vector<example> examples() {
  std::vector<example> all;
  const std::filesystem::path data{CLOUDFLOW_SOURCE_DIR "/src/cloudflow/blueprint/testdata"};
  for (const auto* kind : {"resolve", "graph"})
    for (const auto& folder : std::filesystem::directory_iterator{data / kind}) {
      const auto descriptors = descriptors_from_json(read_file(folder.path() / "descriptors.json"));
      if (!descriptors) continue;
      auto verified =
          verify(read_file(folder.path() / "blueprint.conf"), "blueprint.conf", *descriptors);
      const auto document =
          config::parse_text(read_file(folder.path() / "configuration.conf"), "configuration.conf");
      if (!verified.is_valid() || !document) continue;
      const auto value = document->resolve({});
      if (value)
        all.push_back({make_application("app", "1.0", std::move(verified.blueprint)), *value});
    }
  return all;
}

std::optional<plan> plan_of(const application& app, const config::value& configuration) {
  return resolve(app, configuration, {.needs_parameters = false}).result;
}

/// The parts of a plan in the order of their names: a resource does not keep that of topics.
json in_order_of_names(const plan& p) {
  auto topics = json::object();
  for (const auto& t : p.topics)
    topics[t.id] = {t.name,       t.cluster,   t.cluster_key, t.is_managed,
                    t.partitions, t.replicas,  t.properties,  t.schema.fingerprint,
                    t.producers,  t.consumers, t.is_internal};
  auto streamlets = json::object();
  for (const auto& s : p.streamlets) {
    auto ports = json::object();
    for (const auto* all : {&s.inlets, &s.outlets})
      for (const auto& port : *all)
        ports[port.name] = {p.topics[port.topic].id, port.group, port.key, port.schema.fingerprint};
    auto order = json::array();  // which is that of the program
    for (const auto* all : {&s.inlets, &s.outlets})
      for (const auto& port : *all) order.push_back(port.name);
    streamlets[s.name] = {s.class_name, s.runtime, s.partitions, s.changelog_topic, ports, order};
  }
  return {{"topics", topics}, {"streamlets", streamlets}};
}

TEST(custom_resource, gives_the_plan_that_the_blueprint_gives) {
  const auto all = examples();
  std::size_t compared = 0;
  for (const auto& e : all) {
    const auto text =
        to_custom_resource_json(e.app, {.library_version = "3", .cli_version = "3", .image = "i"});
    const auto read = custom_resource_from_json(text);
    ASSERT_TRUE(read) << read.error().message << "\n" << text;
    const auto before = plan_of(e.app, e.configuration),
               after = plan_of(read->app, e.configuration);
    ASSERT_EQ(before.has_value(), after.has_value());
    if (!before) continue;
    EXPECT_EQ(in_order_of_names(*before), in_order_of_names(*after));
    ++compared;
  }
  EXPECT_GE(compared, 7u);
}

const json& swiss_knife() {
  static const auto resource = json::parse(R"json({
    "apiVersion": "cloudflow.lightbend.com/v1alpha1", "kind": "CloudflowApplication",
    "metadata": {"name": "swiss-knife"},
    "spec": {"app_id": "swiss-knife", "app_version": "2.3.2", "version": "6", "library_version": "2.3.2",
      "deployments": [
        {"name": "swiss-knife.process", "streamlet_name": "process", "secret_name": "process",
         "class_name": "a.Process", "runtime": "akka", "image": "i@sha256:1", "config": {}, "replicas": 2,
         "endpoint": {"app_id": "swiss-knife", "streamlet": "process", "container_port": 3001},
         "volume_mounts": [{"name": "v", "path": "/v", "access_mode": "ReadWriteMany", "pvc_name": "claim"}],
         "port_mappings": {"in": {"id": "source", "config": {"topic": {"name": "the-source"}, "managed": false}},
                           "out": {"id": "sink", "config": {}, "cluster": "us-east"}}}],
      "streamlets": [
        {"name": "process", "descriptor": {"class_name": "a.Process", "runtime": "akka",
           "config_parameters": [{"key": "m", "validation_type": "string"}],
           "volume_mounts": [{"name": "v", "path": "/v", "access_mode": "ReadWriteMany"}],
           "inlets": [{"name": "in", "schema": {"name": "D", "format": "avro", "fingerprint": "f="}}],
           "outlets": [{"name": "out", "schema": {"name": "D", "format": "avro", "fingerprint": "f=", "schema": ""}}]}}]}})json");
  return resource;
}

TEST(custom_resource, of_cloudflow_2_3_is_read) {
  const auto read = custom_resource_from_json(swiss_knife().dump());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->app.id, "swiss-knife");
  EXPECT_EQ(read->app.version, "2.3.2");
  ASSERT_THAT(read->deployments, SizeIs(1));
  EXPECT_EQ(read->deployments[0], (deployment{.streamlet = "process",
                                              .runtime = "akka",
                                              .image = "i@sha256:1",
                                              .secret_name = "process",
                                              .replicas = 2,
                                              .container_port = 3001,
                                              .claims = {{"v", "claim"}}}));
  const auto& topics = read->app.blueprint.topics;
  ASSERT_THAT(topics, SizeIs(2));
  EXPECT_EQ(topics[0].name, "the-source");
  EXPECT_THAT(topics[0].consumers, testing::ElementsAre("process.in"));
  EXPECT_EQ(topics[1].cluster, "us-east");
  EXPECT_THAT(topics[1].producers, testing::ElementsAre("process.out"));
}

/// What is said of the resource after one member has been changed, or removed (null).
std::string complaint(const char* pointer, const json& value) {
  auto changed = swiss_knife().patch(
      json::array({value.is_null() ? json{{"op", "remove"}, {"path", pointer}}
                                   : json{{"op", "add"}, {"path", pointer}, {"value", value}}}));
  const auto read = custom_resource_from_json(changed.dump());
  return read ? "" : read.error().message;
}

TEST(custom_resource, that_is_wrong_is_refused_with_the_path) {
  EXPECT_THAT(complaint("/spec", nullptr), HasSubstr("'spec' must be there"));
  EXPECT_THAT(complaint("/spec/app_id", nullptr), HasSubstr("'spec.app_id' must be there"));
  EXPECT_THAT(complaint("/spec/app_id", 3), HasSubstr("'spec.app_id' must be a string"));
  EXPECT_THAT(complaint("/spec/version", "7"), HasSubstr("\"6\""));
  EXPECT_THAT(complaint("/spec/deployments", nullptr),
              HasSubstr("'spec.deployments' must be there"));
  EXPECT_THAT(complaint("/spec/deployments/0", 1),
              HasSubstr("'spec.deployments[0]' must be an object"));
  EXPECT_THAT(complaint("/spec/deployments/0/image", nullptr),
              HasSubstr("'spec.deployments[0].image'"));
  EXPECT_THAT(complaint("/spec/deployments/0/replicas", -1), HasSubstr("at least 0"));
  EXPECT_THAT(complaint("/spec/deployments/0/replicas", 4294967296), HasSubstr("at least 0"));
  EXPECT_THAT(complaint("/spec/deployments/0/streamlet_name", "x"), HasSubstr("x is none"));
  EXPECT_THAT(complaint("/spec/deployments/-", swiss_knife()["spec"]["deployments"][0]),
              HasSubstr("twice"));
  EXPECT_THAT(complaint("/spec/deployments", json::array()), HasSubstr("process has none"));
  EXPECT_THAT(complaint("/spec/streamlets/-", swiss_knife()["spec"]["streamlets"][0]),
              HasSubstr("twice"));
  EXPECT_THAT(complaint("/spec/streamlets/0/descriptor", nullptr), HasSubstr("descriptor"));
  EXPECT_THAT(complaint("/spec/streamlets/0/descriptor/class_name", nullptr),
              HasSubstr("class_name"));
  EXPECT_THAT(complaint("/spec/deployments/0/port_mappings/in", nullptr), HasSubstr("in has none"));
  EXPECT_THAT(complaint("/spec/deployments/0/port_mappings/more", {{"id", "x"}}),
              HasSubstr("no others"));
  EXPECT_THAT(complaint("/spec/deployments/0/port_mappings/in/id", nullptr),
              HasSubstr("port_mappings.in.id"));
  EXPECT_THAT(complaint("/spec/deployments/0/port_mappings/in/config", "x"),
              HasSubstr("must be an object"));
  EXPECT_THAT(complaint("/spec/deployments/0/endpoint", "x"), HasSubstr("must be an object"));
}

}  // namespace
}  // namespace cloudflow::blueprint
