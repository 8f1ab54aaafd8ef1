#include "cloudflow/operator/status.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cloudflow::controller {
namespace {

using nlohmann::json;
using testing::HasSubstr;

/// A pod of one container.
json pod(const std::string& streamlet, const std::string& name, const json& state, bool is_ready,
         int restarts = 0) {
  return {{"metadata",
           {{"name", name}, {"labels", {{"com.lightbend.cloudflow/streamlet-name", streamlet}}}}},
          {"spec", {{"containers", {{{"name", "c"}}}}}},
          {"status",
           {{"phase", "Running"},
            {"containerStatuses",
             {{{"ready", is_ready}, {"restartCount", restarts}, {"state", state}}}}}}};
}
json running(const std::string& streamlet, const std::string& name, bool is_ready = true) {
  return pod(streamlet, name, {{"running", json::object()}}, is_ready);
}
json waiting(const std::string& streamlet, const std::string& name, const std::string& reason,
             int restarts = 0) {
  return pod(streamlet, name,
             {{"waiting", {{"reason", reason}, {"message", "because of " + reason}}}}, false,
             restarts);
}
json leaving(json p) {
  p["metadata"]["deletionTimestamp"] = "2026-12-01T00:00:00Z";
  return p;
}
json workload(int wanted, int updated, int ready, int all, int generation = 1, int observed = 1) {
  return {{"metadata", {{"name", "app-s"}, {"generation", generation}}},
          {"spec", {{"replicas", wanted}}},
          {"status",
           {{"observedGeneration", observed},
            {"updatedReplicas", updated},
            {"readyReplicas", ready},
            {"replicas", all}}}};
}

status_input input(std::vector<json> pods) {
  status_input in;
  in.app_id = "app";
  in.app_version = "1";
  in.generation = 4;
  in.deployments = {{.streamlet = "s", .runtime = "native", .replicas = 2}};
  in.pods = std::move(pods);
  in.workloads = {workload(2, 2, 2, 2)};
  in.conditions = {{.type = "Accepted"}, {.type = "TopicsReady"}};
  in.now = "2026-12-01T00:00:00Z";
  return in;
}
std::string app_status(const status_input& in) { return status_of(in)["app_status"]; }
json condition_of(const json& status, const std::string& type) {
  for (const auto& c : status["conditions"])
    if (c["type"] == type) return c;
  return {};
}

TEST(status, is_running_when_all_pods_are_ready) {
  const auto status = status_of(input({running("s", "s-0"), running("s", "s-1")}));
  EXPECT_EQ(status["app_status"], "Running");
  EXPECT_EQ(status["app_message"], "");
  EXPECT_EQ(status["ready"], "2/2");
  EXPECT_EQ(status["observedGeneration"], 4);
  EXPECT_EQ(condition_of(status, "Available")["status"], "True");
}

TEST(status, has_the_members_of_2_3) {
  const auto status = status_of(input({running("s", "s-1", false), running("s", "s-0")}));
  EXPECT_EQ(status["app_id"], "app");
  EXPECT_EQ(status["app_version"], "1");
  EXPECT_EQ(status["endpoint_statuses"], json::array());
  const auto& s = status["streamlet_statuses"][0];
  EXPECT_EQ(s["streamlet_name"], "s");
  EXPECT_EQ(s["expected_pod_count"], 2);
  EXPECT_EQ(s["pod_statuses"][0],
            json::parse(R"({"name": "s-0", "ready": "True", "nr_of_containers_ready": 1,
                                                 "nr_of_containers": 1, "restarts": 0, "status": "Running"})"));
  EXPECT_EQ(s["pod_statuses"][1]["ready"], "False");
}

TEST(status, is_pending_and_says_of_which_pod_while_one_is_not_ready) {
  const auto status =
      status_of(input({running("s", "s-0"), waiting("s", "s-1", "ContainerCreating")}));
  EXPECT_EQ(status["app_status"], "Pending");
  EXPECT_EQ(status["ready"], "1/2");
  EXPECT_EQ(status["app_message"], "s: pod s-1 is ContainerCreating: because of ContainerCreating");
}

TEST(status, is_pending_while_a_pod_is_not_there_or_is_leaving) {
  EXPECT_EQ(app_status(input({})), "Pending");
  EXPECT_EQ(app_status(input({running("s", "s-0")})), "Pending");
  EXPECT_EQ(app_status(input({running("s", "s-0"), leaving(running("s", "s-1"))})), "Pending");
  EXPECT_EQ(
      app_status(input({running("s", "s-0"), running("s", "s-1"), leaving(running("s", "s-2"))})),
      "Running");
}

TEST(status, is_pending_until_all_pods_are_of_the_newest_template_and_ready) {
  auto in = input({running("s", "s-0"), running("s", "s-1")});
  const auto message = [&](json w) {
    in.workloads = {std::move(w)};
    EXPECT_EQ(app_status(in), "Pending");
    return status_of(in)["app_message"].get<std::string>();
  };
  EXPECT_EQ(message(workload(2, 1, 2, 3)), "app-s is being updated: 1 of 2 pods are new");
  EXPECT_EQ(message(workload(2, 2, 2, 3)),
            "app-s is being updated: 1 pods of before are still there");
  EXPECT_EQ(message(workload(2, 2, 1, 2)), "app-s is being updated: 1 of 2 pods are ready");
  EXPECT_EQ(message(workload(2, 2, 2, 2, 5, 4)), "app-s is being updated");
}

TEST(status, is_crashing_when_one_pod_is_whatever_the_others_are) {
  EXPECT_EQ(app_status(input({running("s", "s-0"), waiting("s", "s-1", "CrashLoopBackOff", 5)})),
            "CrashLoopBackOff");
  EXPECT_EQ(app_status(input({waiting("s", "s-0", "ContainerCreating"),
                              waiting("s", "s-1", "CrashLoopBackOff")})),
            "CrashLoopBackOff");
}

TEST(status, of_a_crash_says_what_the_process_has_left) {
  auto crashed = waiting("s", "s-1", "CrashLoopBackOff", 5);
  crashed["status"]["containerStatuses"][0]["lastState"] = {
      {"terminated", {{"message", "streamlet s, topic t, offsets 3 to 3"}}}};
  EXPECT_THAT(status_of(input({running("s", "s-0"), crashed}))["app_message"],
              HasSubstr("offsets 3 to 3"));
}

TEST(status, is_an_error_with_its_reason_when_something_stands_in_the_way) {
  auto in = input({running("s", "s-0"), running("s", "s-1")});
  in.conditions[1] = {.type = "TopicsReady",
                      .is_true = false,
                      .reason = "KafkaUnreachable",
                      .message = "no broker at x:1"};
  const auto status = status_of(in);
  EXPECT_EQ(status["app_status"], "Error");
  EXPECT_EQ(status["app_message"], "no broker at x:1");
  EXPECT_EQ(condition_of(status, "TopicsReady")["reason"], "KafkaUnreachable");
}

TEST(status, keeps_the_time_of_a_condition_that_stays) {
  auto in = input({running("s", "s-0"), running("s", "s-1")});
  in.before = status_of(in);
  in.now = "2026-12-01T01:00:00Z";
  EXPECT_EQ(status_of(in), in.before);
  in.pods.pop_back();
  const auto later = status_of(in);
  EXPECT_EQ(condition_of(later, "Available")["lastTransitionTime"], in.now);
  EXPECT_EQ(condition_of(later, "Accepted")["lastTransitionTime"], "2026-12-01T00:00:00Z");
}

TEST(status, of_a_streamlet_that_others_run_is_one_pod_that_nobody_waits_for) {
  auto in = input({running("s", "s-0"), running("s", "s-1")});
  in.deployments.push_back({.streamlet = "f", .runtime = "flink"});
  const auto status = status_of(in);
  EXPECT_EQ(status["app_status"], "Running");
  EXPECT_EQ(status["streamlet_statuses"][1]["expected_pod_count"], 0);
  EXPECT_EQ(status["streamlet_statuses"][1]["pod_statuses"][0]["name"], "<external>");
}

/// The states of 2.3's tests.
TEST(status, of_a_pod_is_the_first_thing_that_holds_it_up) {
  EXPECT_EQ(pod_status(running("s", "p")), "Running");
  EXPECT_EQ(pod_status(leaving(running("s", "p"))), "Terminating");
  EXPECT_EQ(pod_status(waiting("s", "p", "ImagePullBackOff")), "ImagePullBackOff");
  EXPECT_EQ(pod_status(pod("s", "p", {{"terminated", json::object()}}, false)), "Terminated");
  EXPECT_EQ(pod_status(pod("s", "p", json::object(), false)), "Pending");
  for (const auto* phase : {"Succeeded", "Failed", "Unknown"}) {
    auto p = running("s", "p");
    p["status"]["phase"] = phase;
    EXPECT_EQ(pod_status(p), phase);
  }
  EXPECT_EQ(pod_status({{"status", {{"phase", "Pending"}}}}), "Pending");
  EXPECT_EQ(pod_status(json::object()), "Pending");
}

}  // namespace
}  // namespace cloudflow::controller
