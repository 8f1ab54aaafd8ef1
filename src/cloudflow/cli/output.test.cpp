#include "cloudflow/cli/applications.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cloudflow::cli {
namespace {

using node = nlohmann::json;
using enum output_format;

const node& swiss_knife() {
  static const auto resource = node::parse(R"json({
    "metadata": {"name": "swiss-knife", "namespace": "swiss-knife", "creationTimestamp": "2021-04-27T09:45:17Z"},
    "spec": {"app_version": "2.3.2"},
    "status": {"app_status": "Running", "streamlet_statuses": [
      {"streamlet_name": "flink-proc", "pod_statuses": [
        {"name": "<external>", "nr_of_containers_ready": 0, "nr_of_containers": 0, "restarts": 0, "status": "Unknown"}]},
      {"streamlet_name": "akka-process", "pod_statuses": [
        {"name": "swiss-knife-akka-process-58548fb68b-b79hg", "nr_of_containers_ready": 1, "nr_of_containers": 1,
         "restarts": 0, "status": "Running"}]},
      {"streamlet_name": "no-pods", "pod_statuses": []}]}})json");
  return resource;
}

TEST(output, of_version_is_that_of_2_3) {
  EXPECT_EQ(show_version("2.3.2", table),
            "+---------+-------+\n"
            "| VERSION | 2.3.2 |\n"
            "+---------+-------+\n");
  EXPECT_EQ(show_version("2.3.2", classic), "2.3.2\n");
  EXPECT_EQ(show_version("2.3.2", json), "{\"version\":\"2.3.2\"}\n");
  EXPECT_EQ(show_version("2.3.2", yaml), "version: \"2.3.2\"\n");
}

TEST(output, of_list_is_that_of_2_3) {
  EXPECT_EQ(show_list({swiss_knife()}, table),
            "+-------------+-------------+---------+----------------------+\n"
            "| NAME        | NAMESPACE   | VERSION | CREATION-TIME        |\n"
            "+-------------+-------------+---------+----------------------+\n"
            "| swiss-knife | swiss-knife | 2.3.2   | 2021-04-27T09:45:17Z |\n"
            "+-------------+-------------+---------+----------------------+\n");
  EXPECT_EQ(
      show_list({swiss_knife()}, classic),
      "NAME              NAMESPACE         VERSION           CREATION-TIME\n"
      "swiss-knife       swiss-knife       2.3.2             2021-04-27 09:45:17 +0000 UTC\n");
  EXPECT_EQ(show_list({swiss_knife()}, json),
            "{\"summaries\":[{\"name\":\"swiss-knife\",\"namespace\":\"swiss-knife\",\"version\":"
            "\"2.3.2\","
            "\"creationTime\":\"2021-04-27T09:45:17Z\"}]}\n");
  EXPECT_EQ(show_list({swiss_knife()}, yaml),
            "summaries:\n"
            "- name: \"swiss-knife\"\n"
            "  namespace: \"swiss-knife\"\n"
            "  version: \"2.3.2\"\n"
            "  creationTime: \"2021-04-27T09:45:17Z\"\n");
}

TEST(output, of_status_is_that_of_2_3) {
  EXPECT_EQ(
      show_status(swiss_knife(), table),
      "+------------+----------------------+\n"
      "| Name:      |     swiss-knife      |\n"
      "| Namespace: |     swiss-knife      |\n"
      "| Version:   |        2.3.2         |\n"
      "| Created:   | 2021-04-27T09:45:17Z |\n"
      "| Status:    |       Running        |\n"
      "+------------+----------------------+\n"
      "+--------------+-------------------------------------------+-------+---------+----------+\n"
      "| STREAMLET    | POD                                       | READY | STATUS  | RESTARTS |\n"
      "+--------------+-------------------------------------------+-------+---------+----------+\n"
      "| akka-process | swiss-knife-akka-process-58548fb68b-b79hg |  1/1  | Running |    0     |\n"
      "| flink-proc   | <external>                                |  0/0  | Unknown |    0     |\n"
      "| no-pods      |                                           |  0/0  | Missing |    0     |\n"
      "+--------------+-------------------------------------------+-------+---------+----------+"
      "\n");
  EXPECT_EQ(show_status(swiss_knife(), classic),
            "Name:             swiss-knife\n"
            "Namespace:        swiss-knife\n"
            "Version:          2.3.2\n"
            "Created:          2021-04-27 09:45:17 +0000 UTC\n"
            "Status:           Running\n"
            "\n"
            "STREAMLET         POD                                       READY             STATUS  "
            "          RESTARTS\n"
            "flink-proc        <external>                                0/0               Unknown "
            "          0\n"
            "akka-process      swiss-knife-akka-process-58548fb68b-b79hg 1/1               Running "
            "          0\n"
            "no-pods                                                     0/0               Missing "
            "          0\n");
  EXPECT_THAT(
      show_status(swiss_knife(), json),
      testing::StartsWith(
          "{\"status\":{\"summary\":{\"name\":\"swiss-knife\",\"namespace\":\"swiss-knife\","
          "\"version\":\"2.3.2\",\"creationTime\":\"2021-04-27T09:45:17Z\"},"
          "\"status\":\"Running\",\"endpointsStatuses\":[],\"streamletsStatuses\":["));
}

TEST(output, of_an_application_without_status_is_unknown) {
  auto bare = swiss_knife();
  bare.erase("status");
  EXPECT_THAT(show_status(bare, classic), testing::HasSubstr("Status:           Unknown\n"));
}

TEST(output, of_configuration_is_a_row_for_each_leaf_by_path) {
  const auto value =
      node::parse(R"({"cloudflow": {"b": {"x": 1}, "a": "text", "c": [1, 2], "d": {}}})");
  EXPECT_EQ(show_configuration(value, classic),
            "KEY               VALUE\n"
            "cloudflow.a       text\n"
            "cloudflow.b.x     1\n"
            "cloudflow.c       [1,2]\n"
            "cloudflow.d       {}\n");
  EXPECT_EQ(show_configuration(value, yaml),
            "cloudflow:\n"
            "  a: \"text\"\n"
            "  b:\n"
            "    x: 1\n"
            "  c:\n"
            "  - 1\n"
            "  - 2\n"
            "  d: {}\n");
}

TEST(output, in_a_grid_is_as_wide_as_its_characters) {
  EXPECT_EQ(grid({{"é", "abcd"}}, {alignment::left, alignment::centre}, false),
            "+-----+------+\n"
            "| é   | abcd |\n"
            "+-----+------+\n");
}

TEST(output, format_is_known_by_its_words) {
  EXPECT_EQ(output_format_of("T"), table);
  EXPECT_EQ(output_format_of("Classic"), classic);
  EXPECT_EQ(output_format_of("JSON"), json);
  EXPECT_EQ(output_format_of("wide"), std::nullopt);
}

}  // namespace
}  // namespace cloudflow::cli
