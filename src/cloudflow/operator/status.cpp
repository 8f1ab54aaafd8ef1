#include "cloudflow/operator/status.hpp"

#include "cloudflow/application/kubernetes_names.hpp"
#include "cloudflow/kube/object.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace cloudflow::controller {
namespace {

using nlohmann::json;

using kube::at, kube::number_at, kube::text_at;

const json& list_at(const json& in, const char* pointer) {
  static const auto none = json::array();
  const auto& found = at(in, pointer);
  return found.is_array() ? found : none;
}

std::string streamlet_of(const json& pod) {
  const auto& labels = at(pod, "/metadata/labels");
  return labels.is_object() ? labels.value(app::label_streamlet, "") : "";
}

struct pod_facts {
  std::string name, status, waits_because;
  std::int64_t containers = 0, ready = 0, restarts = 0;
  bool is_leaving = false;
  bool is_ready() const { return !is_leaving && containers > 0 && ready == containers; }
};

pod_facts facts_of(const json& pod) {
  pod_facts f;
  f.name = text_at(pod, "/metadata/name");
  f.status = pod_status(pod);
  f.is_leaving = !text_at(pod, "/metadata/deletionTimestamp").empty();
  f.containers = static_cast<std::int64_t>(list_at(pod, "/spec/containers").size());
  for (const auto& c : list_at(pod, "/status/containerStatuses")) {
    if (c.value("ready", false)) ++f.ready;
    f.restarts += number_at(c, "/restartCount");
    for (const auto* ended : {"/state/terminated/message", "/lastState/terminated/message"})
      if (const auto said = text_at(c, ended); f.waits_because.empty()) f.waits_because = said;
    if (const auto said = text_at(c, "/state/waiting/message"); f.waits_because.empty())
      f.waits_because = said;
  }
  for (const auto& c : list_at(pod, "/status/conditions"))
    if (text_at(c, "/type") == "PodScheduled" && text_at(c, "/status") == "False")
      f.waits_because = text_at(c, "/message");
  return f;
}

json to_json(const pod_facts& f) {
  return {{"name", f.name},
          {"ready", f.containers > 0 && f.ready == f.containers ? "True" : "False"},
          {"nr_of_containers_ready", f.ready},
          {"nr_of_containers", f.containers},
          {"restarts", f.restarts},
          {"status", f.status}};
}

/// What runs outside of the operator's reach.
json external_pod() {
  return {{"name", "<external>"},  {"ready", "True"}, {"nr_of_containers_ready", 0},
          {"nr_of_containers", 0}, {"restarts", 0},   {"status", "Unknown"}};
}

bool is_managed(const std::string& runtime) { return runtime == "native"; }

class status_writer {
public:
  explicit status_writer(const status_input& in) : in_(in) {
    for (const auto& pod : in.pods) pods_[streamlet_of(pod)].push_back(facts_of(pod));
    for (auto& [streamlet, pods] : pods_) std::ranges::sort(pods, {}, &pod_facts::name);
  }

  json write() {
    auto streamlets = json::array();
    for (const auto& d : in_.deployments) streamlets.push_back(streamlet_status(d));
    auto conditions = in_.conditions;
    conditions.push_back(available());
    const auto wrong = std::ranges::find(conditions, false, &condition::is_true);
    const auto message = wrong == conditions.end() ? std::string{} : wrong->message;
    json out{{"app_id", in_.app_id},
             {"app_version", in_.app_version},
             {"app_status", app_status(conditions)},
             {"app_message", message},
             {"endpoint_statuses", json::array()},
             {"streamlet_statuses", std::move(streamlets)},
             {"observedGeneration", in_.generation},
             {"observedConfiguration", in_.configuration},
             {"ready", fmt::format("{}/{}", ready_, expected_)}};
    out["conditions"] = json::array();
    for (const auto& c : conditions) out["conditions"].push_back(to_json(c));
    return out;
  }

private:
  json streamlet_status(const blueprint::deployment& d) {
    json out{{"streamlet_name", d.streamlet}};
    if (!is_managed(d.runtime)) {
      out["expected_pod_count"] = 0;
      out["pod_statuses"] = json::array({external_pod()});
      return out;
    }
    const auto expected = d.replicas.value_or(1);
    out["expected_pod_count"] = expected;
    out["pod_statuses"] = json::array();
    std::int64_t ready = 0;
    for (const auto& pod : pods_[app::label_value(d.streamlet)]) {
      out["pod_statuses"].push_back(controller::to_json(pod));
      if (pod.is_ready()) ++ready;
      if (pod.status == "CrashLoopBackOff") is_crashing_ = true;
      if (!pod.is_ready() && !pod.is_leaving && first_problem_.empty())
        first_problem_ = fmt::format("{}: pod {} is {}{}{}", d.streamlet, pod.name, pod.status,
                                     pod.waits_because.empty() ? "" : ": ", pod.waits_because);
    }
    if (ready < expected && first_problem_.empty())
      first_problem_ = fmt::format("{}: {} of {} pods are there", d.streamlet, ready, expected);
    expected_ += expected;
    ready_ += std::min<std::int64_t>(ready, expected);
    return out;
  }

  /// A workload whose pods are not all of its newest template and ready, as `kubectl rollout
  /// status` judges it.
  std::string rolling() const {
    for (const auto& w : in_.workloads) {
      const auto of_status = [&](const char* member) {
        return number_at(at(w, "/status"), fmt::format("/{}", member).c_str());
      };
      const auto wanted = number_at(w, "/spec/replicas");
      const auto name = text_at(w, "/metadata/name");
      if (of_status("observedGeneration") < number_at(w, "/metadata/generation"))
        return fmt::format("{} is being updated", name);
      if (of_status("updatedReplicas") < wanted)
        return fmt::format("{} is being updated: {} of {} pods are new", name,
                           of_status("updatedReplicas"), wanted);
      if (of_status("replicas") > of_status("updatedReplicas"))
        return fmt::format("{} is being updated: {} pods of before are still there", name,
                           of_status("replicas") - of_status("updatedReplicas"));
      if (of_status("readyReplicas") < wanted)
        return fmt::format("{} is being updated: {} of {} pods are ready", name,
                           of_status("readyReplicas"), wanted);
    }
    return {};
  }

  condition available() const {
    condition c{.type = "Available", .is_true = false, .reason = "", .message = first_problem_};
    if (in_.deployments.empty()) {
      c.reason = "NotDeployed";
      c.message = "there is nothing to run";
    } else if (is_crashing_) {
      c.reason = "CrashLoopBackOff";
    } else if (ready_ < expected_) {
      c.reason = "PodsNotReady";
    } else if (auto still = rolling(); !still.empty()) {
      c.reason = "Updating";
      c.message = std::move(still);
    } else {
      c = {.type = "Available", .is_true = true, .reason = "Running", .message = ""};
    }
    return c;
  }

  std::string app_status(const std::vector<condition>& all) const {
    const auto is_wrong = [](const condition& c) { return !c.is_true && c.type != "Available"; };
    if (std::ranges::any_of(all, is_wrong)) return "Error";
    if (all.back().is_true) return "Running";
    return is_crashing_ ? "CrashLoopBackOff" : "Pending";
  }

  json to_json(const condition& c) const {
    const auto* status = c.is_true ? "True" : "False";
    auto since = in_.now;
    for (const auto& old : list_at(in_.before, "/conditions"))
      if (text_at(old, "/type") == c.type && text_at(old, "/status") == status)
        if (auto time = text_at(old, "/lastTransitionTime"); !time.empty()) since = time;
    return {{"type", c.type},
            {"status", status},
            {"reason", c.reason.empty() ? "AsWanted" : c.reason},
            {"message", c.message},
            {"lastTransitionTime", since},
            {"observedGeneration", in_.generation}};
  }

  const status_input& in_;
  std::map<std::string, std::vector<pod_facts>> pods_;
  std::int64_t expected_ = 0, ready_ = 0;
  bool is_crashing_ = false;
  std::string first_problem_;
};

}  // namespace

std::string pod_status(const json& pod) {
  if (!text_at(pod, "/metadata/deletionTimestamp").empty()) return "Terminating";
  const auto phase = text_at(pod, "/status/phase");
  if (phase == "Succeeded" || phase == "Failed" || phase == "Unknown") return std::string{phase};
  const auto& containers = list_at(pod, "/status/containerStatuses");
  if (containers.empty()) return "Pending";
  std::size_t running = 0, terminated = 0;
  for (const auto& c : containers) {
    if (at(c, "/state/running").is_object()) ++running;
    if (at(c, "/state/terminated").is_object()) ++terminated;
    if (const auto reason = text_at(c, "/state/waiting/reason"); !reason.empty())
      return std::string{reason};
  }
  if (running == containers.size()) return "Running";
  return terminated == containers.size() ? "Terminated" : "Pending";
}

json status_of(const status_input& in) { return status_writer{in}.write(); }

}  // namespace cloudflow::controller
