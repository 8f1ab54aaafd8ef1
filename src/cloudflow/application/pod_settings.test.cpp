#include "cloudflow/application/pod_settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cloudflow::app {
namespace {

using nlohmann::json;
using testing::HasSubstr;

result<pod_settings> settings(const std::string& text) {
  const auto document = config::parse_text(text, "test.conf");
  EXPECT_TRUE(document);
  return pod_settings_of(*document->resolve({}), "native", "s");
}
/// Of the streamlet itself.
std::string pod(const std::string& text) {
  return "cloudflow.streamlets.s.kubernetes.pods.pod {" + text + "}";
}
std::string container(const std::string& text) {
  return pod("containers.container {" + text + "}");
}
std::string complaint(const std::string& text) {
  const auto read = settings(text);
  return read ? "" : read.error().message;
}

TEST(pod_settings, are_empty_where_nothing_is_said) {
  const auto none = settings("");
  ASSERT_TRUE(none) << none.error().message;
  EXPECT_EQ(none->volumes, json::array());
  EXPECT_EQ(none->resources, json::object());
}

TEST(pod_settings, are_the_parts_of_a_pod) {
  const auto s = settings(pod(R"(
      labels { team = blue }, annotations { "a.b/c" = x }
      volumes { one { secret { name = mysecret } }, two { pvc { name = claim, read-only = false } },
                three { config-map { name = map, optional = true, items { k { path = p } } } } }
      containers.container {
        env = [{ name = A, value = 1 }]
        ports = [{ container-port = 1234, name = extra }]
        resources { requests { cpu = 2, memory = 612M }, limits { memory = 1Gi } }
        volume-mounts { one { mount-path = /tmp/some }, two { mount-path = /data, read-only = false, subPath = x } } })"));
  ASSERT_TRUE(s) << s.error().message;
  EXPECT_EQ(s->labels, json::parse(R"({"team": "blue"})"));
  EXPECT_EQ(s->annotations, json::parse(R"({"a.b/c": "x"})"));
  EXPECT_EQ(s->volumes, json::parse(R"([
      {"name": "one", "secret": {"secretName": "mysecret"}},
      {"name": "three", "configMap": {"name": "map", "optional": true, "items": [{"key": "k", "path": "p"}]}},
      {"name": "two", "persistentVolumeClaim": {"claimName": "claim", "readOnly": false}}])"));
  EXPECT_EQ(s->env, json::parse(R"([{"name": "A", "value": "1"}])"));
  EXPECT_EQ(s->ports, json::parse(R"([{"containerPort": 1234, "name": "extra"}])"));
  EXPECT_EQ(
      s->resources,
      json::parse(R"({"requests": {"cpu": "2", "memory": "612M"}, "limits": {"memory": "1Gi"}})"));
  EXPECT_EQ(s->mounts, json::parse(R"([{"name": "one", "mountPath": "/tmp/some", "readOnly": true},
                                       {"name": "two", "mountPath": "/data", "readOnly": false, "subPath": "x"}])"));
}

TEST(pod_settings, of_a_streamlet_are_over_those_of_its_runtime) {
  const auto s =
      settings(container("resources.requests.cpu = 2, env = [{ name = A, value = b }]") + R"(
      cloudflow.runtimes.native.kubernetes.pods.pod {
        volumes.v.secret.name = x
        containers.container { resources.requests { cpu = 1, memory = 1M }, env = [{ name = C, value = d }]
                               volume-mounts.v.mount-path = /v } }
      cloudflow.runtimes.akka.kubernetes.pods.pod.labels.x = y)");
  ASSERT_TRUE(s) << s.error().message;
  EXPECT_EQ(s->resources, json::parse(R"({"requests": {"cpu": "2", "memory": "1M"}})"));
  EXPECT_EQ(s->env, json::parse(R"([{"name": "A", "value": "b"}])"));
  EXPECT_EQ(s->mounts.size(), 1u);
  EXPECT_EQ(s->labels, json::object());
}

TEST(pod_settings, that_are_wrong_are_refused_with_their_path) {
  EXPECT_THAT(complaint(pod("lables { a = b }")),
              HasSubstr("Unknown key 'cloudflow.streamlets.s.kubernetes.pods.pod.lables'"));
  EXPECT_THAT(complaint(pod("labels = x")), HasSubstr("labels must be an object"));
  EXPECT_THAT(complaint(pod("labels.x = [1]")), HasSubstr("labels.x must be there and a text"));
  EXPECT_THAT(complaint(pod("volumes.v { secret.name = a, pvc.name = b }")),
              HasSubstr("multiple definitions"));
  EXPECT_THAT(complaint(pod("volumes.v { }")), HasSubstr("parseable definition"));
  EXPECT_THAT(complaint(pod("volumes.v.empty.x = 1")),
              HasSubstr("Cannot convert 'empty' to Volume"));
  EXPECT_THAT(complaint(pod("volumes.v.secret.nam = a")), HasSubstr("secret.nam"));
  EXPECT_THAT(complaint(pod("volumes.v.pvc { name = a, read-only = maybe }")),
              HasSubstr("read-only must be true or false"));
  EXPECT_THAT(complaint(container("env = [{ name = A }]")), HasSubstr("env[0].value"));
  EXPECT_THAT(complaint(container("env.name = A")), HasSubstr("env must be a list"));
  EXPECT_THAT(complaint(container("ports = [{ name = a }]")), HasSubstr("ports[0].container-port"));
  EXPECT_THAT(complaint(container("resources.request.cpu = 1")), HasSubstr("resources.request"));
  EXPECT_THAT(complaint(container("volume-mounts.v.mount-path = /v")),
              HasSubstr("Volume mounts without a corresponding declared volume v"));
}

}  // namespace
}  // namespace cloudflow::app
