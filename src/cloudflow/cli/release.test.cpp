#include "cloudflow/cli/release.hpp"

#include "cloudflow/application/kubernetes_names.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace cloudflow::cli {
namespace {

using testing::HasSubstr, testing::Not;

/// One streamlet with a parameter and a mount.
constexpr const char* file = R"json({
  "metadata": {"name": "other", "annotations": {"x": "y"}},
  "spec": {"app_id": "shop", "app_version": "1.0", "version": "6", "library_version": "3.0.0",
    "deployments": [
      {"name": "shop.totals", "streamlet_name": "totals", "secret_name": "totals", "class_name": "shop.totals",
       "runtime": "native", "image": "reg/shop:1", "config": {},
       "volume_mounts": [{"name": "v", "path": "/mnt/v", "access_mode": "ReadOnlyMany", "pvc_name": ""}],
       "port_mappings": {"in": {"id": "orders", "config": {}}}}],
    "streamlets": [
      {"name": "totals", "descriptor": {"class_name": "shop.totals", "runtime": "native",
         "config_parameters": [{"key": "limit", "validation_type": "int32", "default_value": "3"}],
         "volume_mounts": [{"name": "v", "path": "/mnt/v", "access_mode": "ReadOnlyMany"}],
         "inlets": [{"name": "in", "schema": {"name": "O", "format": "avro", "fingerprint": "f="}}]}}]}})json";

release_options options() {
  return {.resource = file,
          .name_space = {},
          .claims = {{"totals.v", "claim"}},
          .cli_version = "3.0.0"};
}
cluster_view in_cluster() {
  return {.kafka_clusters = {{"default", "bootstrap.servers = \"kafka:9092\""}},
          .claims = {"claim"}};
}
std::string complaint(const release_options& what, const cluster_view& cluster = in_cluster()) {
  const auto made = release_of(what, cluster);
  return made ? "" : made.error().message;
}
release_options with_resource(const char* pointer, const nlohmann::json& value) {
  auto o = options();
  auto changed = nlohmann::json::parse(o.resource);
  changed[nlohmann::json::json_pointer{pointer}] = value;
  o.resource = changed.dump();
  return o;
}

TEST(release, has_the_metadata_of_2_3_whatever_the_file_says) {
  const auto made = release_of(options(), in_cluster());
  ASSERT_TRUE(made) << made.error().message;
  const auto& m = made->resource["metadata"];
  EXPECT_EQ(m["name"], "shop");
  EXPECT_EQ(m["namespace"], "shop");
  EXPECT_EQ(m["labels"]["app.kubernetes.io/managed-by"], "cloudflow");
  EXPECT_EQ(m["labels"]["com.lightbend.cloudflow/app-id"], "shop");
  EXPECT_EQ(m["annotations"]["com.lightbend.cloudflow/created-by-cli-version"], "3.0.0");
  EXPECT_FALSE(m["annotations"].contains("x"));
  auto elsewhere = options();
  elsewhere.name_space = "my-ns";
  EXPECT_EQ(release_of(elsewhere, in_cluster())->resource["metadata"]["namespace"], "my-ns");
}

TEST(release, names_the_configuration_that_belongs_to_it) {
  auto o = options();
  o.configuration.assignments = {"cloudflow.streamlets.totals.config-parameters.limit=5"};
  const auto made = release_of(o, in_cluster());
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->configuration,
            R"({"cloudflow":{"streamlets":{"totals":{"config-parameters":{"limit":5}}}}})");
  EXPECT_EQ(made->resource["metadata"]["annotations"][app::annotation_configuration],
            app::short_hash(made->configuration));
}

TEST(release, puts_the_environment_and_included_files_into_the_configuration) {
  const auto directory =
      std::filesystem::path{testing::TempDir()} / ("release-" + std::to_string(::getpid()));
  std::filesystem::create_directories(directory);
  std::ofstream{directory / "limit.conf"} << "limit = ${CLOUDFLOW_TEST_LIMIT}";
  std::ofstream{directory / "all.conf"}
      << "cloudflow.streamlets.totals.config-parameters { include required(file(\"limit.conf\")) }";
  ::setenv("CLOUDFLOW_TEST_LIMIT", "7", 1);
  auto o = options();
  o.configuration.files = {(directory / "all.conf").string()};
  const auto made = release_of(o, in_cluster());
  std::filesystem::remove_all(directory);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_THAT(made->configuration, HasSubstr(R"("limit":"7")"));
}

TEST(release, is_refused_before_anything_is_written) {
  auto o = options();
  o.configuration.assignments = {"cloudflow.streamlets.totals.config-parameters.limit=abc"};
  EXPECT_THAT(complaint(o),
              testing::AllOf(HasSubstr("command line"), HasSubstr("expected an integer value")));
  o.configuration.assignments = {"cloudflow.streamlets.nope.config-parameters.limit=1"};
  EXPECT_THAT(complaint(o), HasSubstr("Configuration contains streamlets: [nope]"));
  o.configuration.assignments = {};
  o.configuration.files = {"/not/there.conf"};
  EXPECT_THAT(complaint(o), HasSubstr("/not/there.conf"));
}

TEST(release, of_a_file_that_is_none_is_refused_with_the_texts_of_2_3) {
  auto o = options();
  o.resource = "{";
  EXPECT_THAT(complaint(o), HasSubstr("Failed to read the file contents for the CR"));
  EXPECT_EQ(complaint(with_resource("/spec/version", "")),
            "Application file parse error: spec.version is missing or empty");
  EXPECT_EQ(complaint(with_resource("/spec/version", "6 a")),
            "Application file parse error: spec.version is invalid");
  EXPECT_THAT(complaint(with_resource("/spec/version", "7")), HasSubstr("\"6\""));
  EXPECT_EQ(complaint(with_resource("/spec/library_version", "")),
            "Application file parse error: spec.library_version is missing, empty or invalid");
  EXPECT_EQ(complaint(with_resource("/spec/deployments", nlohmann::json::array())),
            "The application specification doesn't contains deployments");
}

TEST(release, sets_the_claims_of_all_mounts) {
  const auto made = release_of(options(), in_cluster());
  EXPECT_EQ(made->resource["spec"]["deployments"][0]["volume_mounts"][0]["pvc_name"], "claim");
  EXPECT_EQ(made->resource["spec"]["streamlets"][0]["descriptor"]["volume_mounts"][0]["pvc_name"],
            "claim");
  auto o = options();
  o.claims = {};
  EXPECT_THAT(complaint(o), HasSubstr("--volume-mount totals.v=pvc-name"));
  o.claims = {{"totals.v", "other"}};
  EXPECT_THAT(complaint(o), HasSubstr("Cannot find persistent volume claim 'other'"));
  o.claims = {{"totals.w", "claim"}};
  EXPECT_THAT(complaint(o), HasSubstr("Cannot find volume mount name 'w' for streamlet 'totals'"));
  o.claims = {{"nope.v", "claim"}};
  EXPECT_THAT(complaint(o), HasSubstr("Cannot find streamlet 'nope'"));
  o.claims = {{"v", "claim"}};
  EXPECT_THAT(complaint(o), HasSubstr("--volume-mount argument is invalid"));
}

TEST(release, keeps_the_replicas_of_the_cluster_below_those_that_are_said) {
  auto cluster = in_cluster();
  cluster.deployed = nlohmann::json::parse(file);
  (*cluster.deployed)["spec"]["deployments"][0]["replicas"] = 4;
  EXPECT_EQ(release_of(options(), cluster)->resource["spec"]["deployments"][0]["replicas"], 4);
  auto o = options();
  o.scale = {{"totals", 2}};
  EXPECT_EQ(release_of(o, cluster)->resource["spec"]["deployments"][0]["replicas"], 2);
  o.scale = {{"nope", 2}};
  EXPECT_EQ(complaint(o, cluster),
            "Streamlets to scale: [nope] are not present in the application spec");
}

TEST(release, of_a_version_without_a_streamlet_that_was_scaled_is_deployed) {
  auto cluster = in_cluster();
  cluster.deployed = nlohmann::json::parse(file);
  auto gone = (*cluster.deployed)["spec"]["deployments"][0];
  gone["streamlet_name"] = "gone";
  gone["replicas"] = 3;
  (*cluster.deployed)["spec"]["deployments"].push_back(gone);
  EXPECT_EQ(complaint(options(), cluster), "");
}

TEST(release, shows_no_secret_in_what_it_complains_about) {
  auto cluster = in_cluster();
  cluster.kafka_clusters["default"] += "\nconnection-config { sasl.password = hush";
  EXPECT_THAT(complaint(options(), cluster),
              testing::AllOf(Not(testing::IsEmpty()), Not(HasSubstr("hush"))));
}

}  // namespace
}  // namespace cloudflow::cli
