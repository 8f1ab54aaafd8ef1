#include "cloudflow/operator/objects.hpp"

#include "cloudflow/application/plan_json.hpp"
#include "cloudflow/base/base64.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace cloudflow::controller {
namespace {

using testing::ElementsAre, testing::HasSubstr, testing::Not, testing::UnorderedElementsAre;

/// A source with a server, and a streamlet that keeps state.
constexpr const char* resource = R"json({
  "apiVersion": "cloudflow.lightbend.com/v1alpha1", "kind": "CloudflowApplication",
  "metadata": {"name": "shop", "namespace": "shop", "uid": "u-1"},
  "spec": {"app_id": "shop", "app_version": "1.0", "version": "6", "library_version": "3.0.0",
    "deployments": [
      {"name": "shop.orders", "streamlet_name": "orders", "secret_name": "orders", "class_name": "shop.orders",
       "runtime": "native", "image": "reg/shop@sha256:1", "config": {},
       "endpoint": {"app_id": "shop", "streamlet": "orders", "container_port": 3000},
       "port_mappings": {"out": {"id": "orders", "config": {}}}},
      {"name": "shop.totals", "streamlet_name": "totals", "secret_name": "totals", "class_name": "shop.totals",
       "runtime": "native", "image": "reg/shop:1", "config": {}, "replicas": 3,
       "volume_mounts": [{"name": "v", "path": "/mnt/v", "access_mode": "ReadOnlyMany", "pvc_name": "claim"}],
       "port_mappings": {"in": {"id": "orders", "config": {}}}}],
    "streamlets": [
      {"name": "orders", "descriptor": {"class_name": "shop.orders", "runtime": "native", "sources": true,
         "attributes": [{"attribute_name": "server", "config_path": "cloudflow.internal.server.container-port"}],
         "config_parameters": [{"key": "token", "validation_type": "string", "secret": true}],
         "outlets": [{"name": "out", "key": "id", "schema": {"name": "O", "format": "avro", "fingerprint": "f=", "schema": ""}}]}},
      {"name": "totals", "descriptor": {"class_name": "shop.totals", "runtime": "native",
         "volume_mounts": [{"name": "v", "path": "/mnt/v", "access_mode": "ReadOnlyMany"}],
         "states": [{"name": "sums", "key": {"name": "string", "format": "avro", "fingerprint": "k=", "schema": ""},
                     "value": {"name": "long", "format": "avro", "fingerprint": "l=", "schema": ""}, "inlet": "in", "inlet_field": "id"}],
         "inlets": [{"name": "in", "key": "id", "schema": {"name": "O", "format": "avro", "fingerprint": "f=", "schema": ""}}]}}]}})json";

constexpr const char* cluster = R"(bootstrap.servers = "kafka:9092", partitions = 4, replicas = 1
  connection-config { sasl.password = "hush" })";

app::application_input input() {
  return {.resource = resource,
          .configuration = "cloudflow.streamlets.orders.config-parameters.token = secret-token",
          .kafka_clusters = {{"default", cluster}}};
}

app::interpretation shop() {
  auto app = app::interpret(input());
  EXPECT_TRUE(app) << app.error().message;
  return std::move(app).value();
}

std::vector<object> objects(const app::interpretation& app) {
  return objects_of(app, {.key = {"shop", "shop"}, .uid = "u-1"});
}

object find(const std::vector<object>& all, const std::string& kind, const std::string& name) {
  for (const auto& o : all)
    if (o["kind"] == kind && o["metadata"]["name"] == name) return o;
  ADD_FAILURE() << "there is no " << kind << " " << name;
  return {};
}

std::map<std::string, std::string> files_in(const object& secret) {
  std::map<std::string, std::string> files;
  for (const auto& [name, text] : secret["data"].items())
    files[name] = from_base64(text.get<std::string>()).value_or("no base64");
  return files;
}

std::vector<std::string> names_of(const std::vector<object>& all) {
  std::vector<std::string> names;
  for (const auto& o : all)
    names.push_back(o["kind"].get<std::string>() + " " + o["metadata"]["name"].get<std::string>());
  return names;
}

TEST(interpretation, puts_clusters_below_the_configuration) {
  const auto app = shop();
  EXPECT_EQ(app.plan.topics[0].partitions, 4);
  EXPECT_EQ(app.plan.topics[0].cluster_key, "default");
  EXPECT_EQ(app.plan.find_streamlet("totals")->replicas, 3);
  auto in = input();
  *in.configuration += "\ncloudflow.topics.orders.partitions = 2";
  EXPECT_EQ(app::interpret(in)->plan.topics[0].partitions, 2);
}

TEST(interpretation, takes_the_configuration_of_the_resource_where_no_client_wrote_one) {
  auto in = input();
  in.configuration.reset();
  EXPECT_THAT(app::interpret(in).error().message, HasSubstr("orders.token"));
  auto changed = nlohmann::json::parse(in.resource);
  changed["spec"]["configuration"] = "cloudflow.streamlets.orders.config-parameters.token = t";
  in.resource = changed.dump();
  EXPECT_TRUE(app::interpret(in));
}

TEST(interpretation, refuses_what_only_a_client_can_put_in) {
  auto in = input();
  in.configuration = "include \"/etc/passwd\"";
  EXPECT_THAT(app::interpret(in).error().message, HasSubstr("nothing can be included"));
  in.configuration = "cloudflow.streamlets.orders.config-parameters.token = ${HOME}";
  EXPECT_THAT(app::interpret(in).error().message, HasSubstr("HOME"));
}

TEST(interpretation, refuses_several_replicas_of_what_cannot_be_divided) {
  auto in = input();
  auto changed = nlohmann::json::parse(in.resource);
  auto& spec = changed["spec"];
  spec["deployments"][0]["replicas"] = 2;
  in.resource = changed.dump();
  EXPECT_TRUE(app::interpret(in));  // it keeps nothing
  spec["streamlets"][0]["descriptor"]["states"] = spec["streamlets"][1]["descriptor"]["states"];
  spec["streamlets"][0]["descriptor"]["states"][0]["inlet"] = "";
  in.resource = changed.dump();
  EXPECT_THAT(app::interpret(in).error().message,
              testing::AllOf(HasSubstr("orders"), HasSubstr("one replica")));
}

TEST(interpretation, of_a_cluster_stays_in_its_place) {
  auto in = input();
  in.kafka_clusters["other"] =
      "partitions = 1 } }, cloudflow.topics.orders.partitions = 9, x { y {";
  EXPECT_FALSE(app::interpret(in));
  in.kafka_clusters["other"] = "include \"/etc/passwd\"";
  EXPECT_THAT(app::interpret(in).error().message, HasSubstr("nothing can be included"));
}

TEST(objects, are_those_of_each_streamlet) {
  EXPECT_THAT(
      names_of(objects(shop())),
      ElementsAre("ServiceAccount shop-cloudflow", "Secret shop-orders",
                  "Service shop-orders-service", "Deployment shop-orders", "Secret shop-totals",
                  "Service shop-totals-pods", "StatefulSet shop-totals"));
}

TEST(objects, are_owned_by_the_resource_and_say_whose_they_are) {
  for (const auto& o : objects(shop())) {
    const auto& m = o["metadata"];
    EXPECT_EQ(m["namespace"], "shop");
    EXPECT_EQ(m["labels"]["app.kubernetes.io/part-of"], "shop");
    EXPECT_EQ(m["labels"]["app.kubernetes.io/managed-by"], "cloudflow");
    ASSERT_EQ(m["ownerReferences"].size(), 1u);
    EXPECT_EQ(m["ownerReferences"][0]["uid"], "u-1");
    EXPECT_EQ(m["ownerReferences"][0]["kind"], "CloudflowApplication");
  }
}

TEST(objects, give_a_pod_its_part_of_the_plan_and_its_secrets_alone) {
  const auto all = objects(shop());
  const auto orders = files_in(find(all, "Secret", "shop-orders"));
  const auto totals = files_in(find(all, "Secret", "shop-totals"));
  const auto plan = app::plan_from_json(orders.at("plan.json"));
  ASSERT_TRUE(plan) << plan.error().message;
  ASSERT_EQ(plan->streamlets.size(), 1u);
  EXPECT_EQ(plan->streamlets[0].name, "orders");
  EXPECT_THAT(orders.at("secrets.json"), HasSubstr("secret-token"));
  EXPECT_THAT(totals.at("secrets.json"), Not(HasSubstr("secret-token")));
  EXPECT_THAT(totals.at("secrets.json"), HasSubstr("hush"));
  EXPECT_THAT(orders.at("plan.json"), Not(HasSubstr("secret-token")));
  for (const auto& o : all) {
    if (o["kind"] == "Secret") continue;
    EXPECT_THAT(o.dump(), Not(HasSubstr("secret-token")));
  }
}

std::string hash_of(const app::interpretation& app, const char* kind, const char* name) {
  const auto o = find(objects(app), kind, name);
  return o["spec"]["template"]["metadata"]["annotations"][app::annotation_configuration];
}

TEST(objects, roll_the_pods_of_what_has_changed_and_no_others) {
  const auto before = shop();
  auto in = input();
  in.configuration = "cloudflow.streamlets.orders.config-parameters.token = another";
  const auto after = app::interpret(in).value();
  EXPECT_NE(hash_of(before, "Deployment", "shop-orders"),
            hash_of(after, "Deployment", "shop-orders"));
  EXPECT_EQ(hash_of(before, "StatefulSet", "shop-totals"),
            hash_of(after, "StatefulSet", "shop-totals"));
}

TEST(objects, do_not_roll_pods_when_a_streamlet_is_scaled) {
  const auto before = shop();
  auto in = input();
  auto changed = nlohmann::json::parse(in.resource);
  changed["spec"]["deployments"][1]["replicas"] = 5;
  in.resource = changed.dump();
  const auto after = app::interpret(in).value();
  auto one = find(objects(before), "StatefulSet", "shop-totals");
  auto other = find(objects(after), "StatefulSet", "shop-totals");
  EXPECT_EQ(other["spec"]["replicas"], 5);
  EXPECT_EQ(one["spec"]["template"], other["spec"]["template"]);
}

TEST(objects, let_a_pod_do_no_more_than_it_needs) {
  const auto pod = find(objects(shop()), "StatefulSet", "shop-totals")["spec"]["template"]["spec"];
  EXPECT_EQ(pod["securityContext"]["runAsNonRoot"], true);
  EXPECT_EQ(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
  EXPECT_EQ(pod["automountServiceAccountToken"], false);
  const auto& c = pod["containers"][0]["securityContext"];
  EXPECT_EQ(c["allowPrivilegeEscalation"], false);
  EXPECT_EQ(c["readOnlyRootFilesystem"], true);
  EXPECT_EQ(c["capabilities"]["drop"][0], "ALL");
}

TEST(objects, mount_what_the_streamlet_declares) {
  const auto pod = find(objects(shop()), "StatefulSet", "shop-totals")["spec"]["template"]["spec"];
  EXPECT_THAT(pod["volumes"].dump(),
              HasSubstr(R"({"name":"v","persistentVolumeClaim":{"claimName":"claim"}})"));
  EXPECT_THAT(pod["containers"][0]["volumeMounts"].dump(),
              HasSubstr(R"({"mountPath":"/mnt/v","name":"v","readOnly":true})"));
}

TEST(objects, have_what_the_configuration_says_of_pods) {
  auto in = input();
  *in.configuration += R"(
    cloudflow.streamlets.totals.kubernetes.pods.pod {
      labels { team = blue, "app.kubernetes.io/name" = other }, annotations.note = x
      volumes.more.pvc.name = claim-2
      containers.container { env = [{ name = A, value = b }], ports = [{ container-port = 9 }]
                             resources { requests.cpu = 2, limits.memory = 1Gi }, volume-mounts.more.mount-path = /more } })";
  const auto app = app::interpret(in);
  ASSERT_TRUE(app) << app.error().message;
  const auto pod = find(objects(*app), "StatefulSet", "shop-totals")["spec"]["template"];
  EXPECT_EQ(pod["metadata"]["labels"]["team"], "blue");
  EXPECT_EQ(pod["metadata"]["labels"]["app.kubernetes.io/name"], "shop-totals");
  EXPECT_EQ(pod["metadata"]["annotations"]["note"], "x");
  EXPECT_THAT(pod["spec"]["volumes"].dump(), HasSubstr("claim-2"));
  const auto& c = pod["spec"]["containers"][0];
  EXPECT_THAT(c["env"].dump(), HasSubstr(R"({"name":"A","value":"b"})"));
  EXPECT_THAT(c["ports"].dump(), HasSubstr(R"({"containerPort":9})"));
  EXPECT_EQ(c["resources"],
            nlohmann::json::parse(
                R"({"requests": {"cpu": "2", "memory": "128M"}, "limits": {"memory": "1Gi"}})"));
  EXPECT_THAT(c["volumeMounts"].dump(),
              HasSubstr(R"({"mountPath":"/more","name":"more","readOnly":true})"));
  const auto other = find(objects(*app), "Deployment", "shop-orders")["spec"]["template"];
  EXPECT_THAT(other.dump(), Not(HasSubstr("claim-2")));
}

TEST(objects, of_a_service_find_the_port_of_the_container) {
  const auto all = objects(shop());
  const auto service = find(all, "Service", "shop-orders-service");
  const auto pod = find(all, "Deployment", "shop-orders")["spec"]["template"];
  EXPECT_EQ(service["spec"]["ports"][0]["port"], 3000);
  EXPECT_EQ(service["spec"]["ports"][0]["targetPort"],
            pod["spec"]["containers"][0]["ports"][0]["name"]);
  for (const auto& [key, value] : service["spec"]["selector"].items())
    EXPECT_EQ(pod["metadata"]["labels"][key], value);
}

TEST(objects, of_a_streamlet_that_others_run_are_none) {
  auto in = input();
  auto changed = nlohmann::json::parse(in.resource);
  changed["spec"]["deployments"][1]["runtime"] =
      changed["spec"]["streamlets"][1]["descriptor"]["runtime"] = "flink";
  in.resource = changed.dump();
  EXPECT_THAT(names_of(objects(app::interpret(in).value())),
              UnorderedElementsAre("ServiceAccount shop-cloudflow", "Secret shop-orders",
                                   "Service shop-orders-service", "Deployment shop-orders"));
}

}  // namespace
}  // namespace cloudflow::controller
