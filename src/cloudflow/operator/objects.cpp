#include "cloudflow/operator/objects.hpp"

#include "cloudflow/application/pod_files.hpp"
#include "cloudflow/base/base64.hpp"

#include <fmt/format.h>

#include <map>
#include <utility>

namespace cloudflow::controller {
namespace {

constexpr int user = 185;  // of images, as 2.3's
constexpr int health_port = 2050;
constexpr int grace_seconds = 30;
constexpr const char* configuration_directory = "/etc/cloudflow-runner-secret";
constexpr const char* downward_directory = "/mnt/downward-api-volume/";
constexpr const char* state_directory = "/var/lib/cloudflow";

/// One streamlet with all that its objects are made of.
struct streamlet_view {
  const blueprint::streamlet_plan& plan;
  const blueprint::streamlet_descriptor& descriptor;
  const blueprint::deployment& deployment;
  const app::pod_settings& settings;
  std::string workload;
  std::map<std::string, std::string> files;
};

class native_objects {
public:
  native_objects(const app::interpretation& app, const object_context& around,
                 const streamlet_view& streamlet)
    : app_(app), around_(around), s_(streamlet) {}

  std::vector<object> make() const {
    std::vector<object> all{secret()};
    if (is_stateful()) all.push_back(governing_service());
    if (s_.plan.has_server) all.push_back(server_service());
    all.push_back(workload());
    return all;
  }

private:
  /// A process that keeps state, or fences its predecessor, has to be known by a name that stays.
  bool is_stateful() const {
    return !s_.plan.states.empty() || s_.plan.guarantee == blueprint::delivery::exactly_once;
  }

  // -- labels ---

  object labels(const std::string& name) const {
    return {{app::label_part_of, app::label_value(around_.key.name)},
            {app::label_managed_by, app::managed_by},
            {app::label_version, app::label_value(app_.resource.app.version)},
            {app::label_name, app::label_value(name)}};
  }
  object labels_of_pods() const {
    auto all = labels(s_.workload);
    all.erase(app::label_version);  // another one alone is no reason for new pods
    all[app::label_component] = "streamlet";
    all[app::label_streamlet] = app::label_value(s_.plan.name);
    all[app::label_app_id] = app::label_value(around_.key.name);
    return all;
  }
  object selector() const { return {{app::label_name, app::label_value(s_.workload)}}; }

  object metadata(const std::string& name) const {
    return {{"name", name},
            {"namespace", around_.key.name_space},
            {"labels", labels(name)},
            {"ownerReferences", app::owned_by(around_.key.name, around_.uid)}};
  }

  // -- objects ---

  object secret() const {
    object o{{"apiVersion", "v1"},
             {"kind", "Secret"},
             {"metadata", metadata(s_.workload)},
             {"type", "Opaque"},
             {"data", encoded(s_.files)}};
    o["metadata"]["labels"][app::label_streamlet] = app::label_value(s_.plan.name);
    o["metadata"]["labels"][app::label_app_id] = app::label_value(around_.key.name);
    return o;
  }

  /// Applied as `stringData`, a file that is not wanted any more would stay.
  static object encoded(const std::map<std::string, std::string>& files) {
    auto data = object::object();
    for (const auto& [name, text] : files) data[name] = to_base64(text);
    return data;
  }

  object governing_service() const {
    return {{"apiVersion", "v1"},
            {"kind", "Service"},
            {"metadata", metadata(app::governing_service_name(s_.workload))},
            {"spec",
             {{"clusterIP", "None"},
              {"publishNotReadyAddresses", true},
              {"selector", selector()},
              {"ports", {{{"name", "prom-metrics"}, {"port", health_port}}}}}}};
  }

  std::string server_port_name() const { return fmt::format("c-port-{}", server_port()); }
  int server_port() const { return s_.deployment.container_port.value_or(blueprint::server_port); }

  object server_service() const {
    return {{"apiVersion", "v1"},
            {"kind", "Service"},
            {"metadata", metadata(app::service_name(s_.workload))},
            {"spec",
             {{"type", "ClusterIP"},
              {"selector", selector()},
              {"ports",
               {{{"name", server_port_name()},
                 {"port", server_port()},
                 {"targetPort", server_port_name()}}}}}}};
  }

  object workload() const {
    object spec{{"replicas", s_.plan.replicas},
                {"selector", {{"matchLabels", selector()}}},
                {"template", pod_template()}};
    object o{{"apiVersion", "apps/v1"},
             {"kind", is_stateful() ? "StatefulSet" : "Deployment"},
             {"metadata", metadata(s_.workload)}};
    o["metadata"]["labels"][app::label_component] = "streamlet";
    if (is_stateful()) {
      spec["serviceName"] = app::governing_service_name(s_.workload);
      spec["podManagementPolicy"] = "Parallel";
      spec["updateStrategy"] = {{"type", "RollingUpdate"}};
    } else {
      // Partitions move to the new process before the old one goes.
      spec["strategy"] = {{"type", "RollingUpdate"},
                          {"rollingUpdate", {{"maxSurge", 1}, {"maxUnavailable", 0}}}};
    }
    o["spec"] = std::move(spec);
    return o;
  }

  // -- pods ---

  object pod_template() const {
    std::string all_files;
    for (const auto& [name, text] : s_.files) all_files += fmt::format("{}\n{}\n", name, text);
    object pod{{"serviceAccountName", app_.resource.service_account.empty()
                                          ? app::account_name(around_.key.name)
                                          : app_.resource.service_account},
               {"automountServiceAccountToken", false},
               {"enableServiceLinks", false},
               {"terminationGracePeriodSeconds", grace_seconds},
               {"securityContext",
                {{"runAsNonRoot", true},
                 {"runAsUser", user},
                 {"fsGroup", user},
                 {"seccompProfile", {{"type", "RuntimeDefault"}}}}},
               {"volumes", volumes()},
               {"containers", {container()}}};
    // What the operator goes by stays as it is.
    auto pod_labels = s_.settings.labels;
    pod_labels.update(labels_of_pods());
    object annotations{{"prometheus.io/scrape", "true"},
                       {"prometheus.io/port", std::to_string(health_port)}};
    annotations.update(s_.settings.annotations);
    annotations[app::annotation_configuration] = app::short_hash(all_files);
    return {
        {"metadata", {{"labels", std::move(pod_labels)}, {"annotations", std::move(annotations)}}},
        {"spec", std::move(pod)}};
  }

  object volumes() const {
    auto all =
        object::array({{{"name", "configuration"}, {"secret", {{"secretName", s_.workload}}}},
                       {{"name", "downward-api-volume"},
                        {"downwardAPI",
                         {{"items",
                           {downward("metadata.uid"), downward("metadata.name"),
                            downward("metadata.namespace")}}}}},
                       {{"name", "state"}, {"emptyDir", object::object()}},
                       {{"name", "tmp"}, {"emptyDir", object::object()}}});
    for (const auto& m : s_.descriptor.volume_mounts)
      all.push_back({{"name", m.name}, {"persistentVolumeClaim", {{"claimName", claim_of(m)}}}});
    for (const auto& v : s_.settings.volumes) all.push_back(v);
    return all;
  }

  static object downward(const char* field) {
    return {{"path", field}, {"fieldRef", {{"fieldPath", field}}}};
  }

  std::string claim_of(const blueprint::volume_mount_descriptor& m) const {
    const auto found = s_.deployment.claims.find(m.name);
    return found == s_.deployment.claims.end() ? m.pvc_name : found->second;
  }

  object container() const {
    auto ports = object::array();
    if (s_.plan.has_server)
      ports.push_back({{"name", server_port_name()}, {"containerPort", server_port()}});
    ports.push_back({{"name", "prom-metrics"}, {"containerPort", health_port}});
    for (const auto& port : s_.settings.ports) ports.push_back(port);
    auto env = object::array({{{"name", "CLOUDFLOW_POD_NAME"},
                               {"valueFrom", {{"fieldRef", {{"fieldPath", "metadata.name"}}}}}}});
    for (const auto& variable : s_.settings.env) env.push_back(variable);
    object c{{"name", s_.workload},
             {"image", s_.deployment.image},
             {"imagePullPolicy", is_by_digest() ? "IfNotPresent" : "Always"},
             {"env", std::move(env)},
             {"ports", std::move(ports)},
             {"resources", resources()},
             {"volumeMounts", mounts()},
             {"securityContext",
              {{"allowPrivilegeEscalation", false},
               {"readOnlyRootFilesystem", true},
               {"capabilities", {{"drop", {"ALL"}}}}}},
             {"livenessProbe", probe("/live", 10, 3)},
             {"readinessProbe", probe("/ready", 2, 1)}};
    // Its address leaves the service before the server does.
    if (s_.plan.has_server) c["lifecycle"] = {{"preStop", {{"sleep", {{"seconds", 3}}}}}};
    return c;
  }

  /// What a digest names never changes.
  bool is_by_digest() const { return s_.deployment.image.find('@') != std::string::npos; }

  static object probe(const char* path, int period, int failures) {
    return {{"httpGet", {{"path", path}, {"port", "prom-metrics"}}},
            {"periodSeconds", period},
            {"timeoutSeconds", 2},
            {"failureThreshold", failures}};
  }

  object resources() const {
    const auto& r = around_.resources;
    object all{{"requests", {{"cpu", r.requests_cpu}, {"memory", r.requests_memory}}}};
    if (!r.limits_cpu.empty()) all["limits"]["cpu"] = r.limits_cpu;
    if (!r.limits_memory.empty()) all["limits"]["memory"] = r.limits_memory;
    all.merge_patch(s_.settings.resources);
    return all;
  }

  object mounts() const {
    auto all = object::array(
        {{{"name", "configuration"}, {"mountPath", configuration_directory}, {"readOnly", true}},
         {{"name", "downward-api-volume"}, {"mountPath", downward_directory}},
         {{"name", "state"}, {"mountPath", state_directory}},
         {{"name", "tmp"}, {"mountPath", "/tmp"}}});
    for (const auto& m : s_.descriptor.volume_mounts)
      all.push_back(
          {{"name", m.name}, {"mountPath", m.path}, {"readOnly", m.access_mode == "ReadOnlyMany"}});
    for (const auto& m : s_.settings.mounts) all.push_back(m);
    return all;
  }

  const app::interpretation& app_;
  const object_context& around_;
  const streamlet_view& s_;
};

object account(const app::interpretation& app, const object_context& around) {
  object o{{"apiVersion", "v1"},
           {"kind", "ServiceAccount"},
           {"metadata",
            {{"name", app::account_name(around.key.name)},
             {"namespace", around.key.name_space},
             {"labels",
              {{app::label_part_of, app::label_value(around.key.name)},
               {app::label_managed_by, app::managed_by},
               {app::label_version, app::label_value(app.resource.app.version)}}},
             {"ownerReferences", app::owned_by(around.key.name, around.uid)}}},
           {"automountServiceAccountToken", false}};
  if (around.has_pull_secret) o["imagePullSecrets"] = {{{"name", app::pull_secret}}};
  return o;
}

}  // namespace

std::vector<object> objects_of(const app::interpretation& app, const object_context& around) {
  std::vector<object> all;
  if (app.resource.service_account.empty()) all.push_back(account(app, around));
  for (std::size_t i = 0; i != app.plan.streamlets.size(); ++i) {
    const auto& planned = app.plan.streamlets[i];
    if (planned.runtime != "native") continue;
    const streamlet_view view{
        .plan = planned,
        .descriptor = app.resource.app.blueprint.streamlets[i].descriptor,
        .deployment = app.resource.deployments[i],
        .settings = app.pods[i],
        .workload = app::workload_name(around.key.name, planned.name),
        .files = app::to_files(app::pod_configuration_of(app.plan, app.secrets, planned.name))};
    for (auto& o : native_objects{app, around, view}.make()) all.push_back(std::move(o));
  }
  return all;
}

}  // namespace cloudflow::controller
