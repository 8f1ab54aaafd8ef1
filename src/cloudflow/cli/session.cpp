#include "cloudflow/cli/session.hpp"

#include "cloudflow/application/kubernetes_names.hpp"
#include "cloudflow/base/base64.hpp"
#include "cloudflow/kube/well_known.hpp"

#include <fmt/format.h>

#include <charconv>

namespace cloudflow::cli {
namespace {

using nlohmann::json;

constexpr const char* manager = "kubectl-cloudflow";
constexpr const char* protocol_label = "cloudflow-protocol-version";
constexpr int own_protocol = 7;
const kube::resource application_resource{"cloudflow.lightbend.com", "v1alpha1",
                                          "cloudflowapplications"};

}  // namespace

result<void> session::apply(const kube::resource& of, const json& object) {
  auto done = api_->apply(of, kube::object{object}, {.field_manager = manager, .is_forced = true});
  if (!done) return kube::plain(std::move(done).error());
  return {};
}

result<void> session::expect_operator() {
  auto found = api_->list(kube::secrets,
                          {.name_space = operator_namespace_, .label_selector = protocol_label});
  if (!found) return kube::plain(std::move(found).error());
  if (found->items.empty()) return error{"No Cloudflow operators detected in the cluster. Exiting"};
  if (found->items.size() > 1)
    return error{
        "Multiple Cloudflow operators detected in the cluster. Specify an 'operator-namespace' to "
        "select the correct one. Exiting"};
  const auto text = kube::secret_text(found->items.front(), "protocol-version");
  int version = 0;
  if (text.empty()) return error{"Cannot find the protocol version in the secret"};
  std::from_chars(text.data(), text.data() + text.size(), version);
  if (version < own_protocol)
    return error{
        "This version of kubectl cloudflow is not compatible with the Cloudflow operator, please "
        "upgrade the Cloudflow operator"};
  if (version > own_protocol)
    return error{
        "This version of kubectl cloudflow is not compatible with the Cloudflow operator, please "
        "upgrade kubectl cloudflow"};
  return {};
}

result<std::vector<json>> session::applications(const std::string& name_space) {
  auto found = api_->list(application_resource, {.name_space = name_space});
  if (!found) return kube::plain(std::move(found).error());
  std::vector<json> all;
  for (auto& o : found->items) all.push_back(std::move(o.json()));
  return all;
}

result<std::optional<json>> session::find_application(const std::string& name_space,
                                                      const std::string& name) {
  auto found = api_->get(application_resource, {name_space, name});
  if (found) return std::optional{std::move(found->json())};
  if (found.error().code == kube::errc::not_found) return std::optional<json>{};
  return kube::plain(std::move(found).error());
}

result<json> session::application(const std::string& name_space, const std::string& name) {
  auto found = CLOUDFLOW_TRY(find_application(name_space, name));
  if (!found)
    return error{
        fmt::format("Cloudflow application \"{}\" not found in namespace {}", name, name_space)};
  return *std::move(found);
}

result<std::map<std::string, std::string>> session::kafka_clusters() {
  auto found = api_->list(kube::secrets, {.name_space = operator_namespace_,
                                          .label_selector = app::label_kafka_cluster});
  if (!found) return kube::plain(std::move(found).error());
  std::map<std::string, std::string> clusters;
  for (const auto& o : found->items)
    clusters[std::string{o.label(app::label_kafka_cluster)}] =
        kube::secret_text(o, app::configuration_key);
  return clusters;
}

result<std::set<std::string>> session::claims(const std::string& name_space) {
  auto found = api_->list(kube::volume_claims, {.name_space = name_space});
  if (!found) return kube::plain(std::move(found).error());
  std::set<std::string> names;
  for (const auto& o : found->items) names.emplace(o.name());
  return names;
}

result<std::optional<json>> session::configuration(const std::string& name_space,
                                                   const std::string& name) {
  auto found = api_->get(kube::secrets, {name_space, app::configuration_secret_of(name)});
  if (!found && found.error().code == kube::errc::not_found) return std::optional<json>{};
  if (!found) return kube::plain(std::move(found).error());
  auto value = json::parse(kube::secret_text(*found, app::configuration_key), nullptr, false);
  if (value.is_discarded()) return error{"Failed to parse the current configuration"};
  return std::optional{std::move(value)};
}

result<void> session::ensure_namespace(const std::string& name_space) {
  auto found = api_->get(kube::namespaces, {"", name_space});
  if (found) return {};
  // Who may not read namespaces may still write into one that is there.
  if (found.error().code == kube::errc::forbidden) return {};
  if (found.error().code != kube::errc::not_found) return kube::plain(std::move(found).error());
  auto made = api_->create(
      kube::namespaces,
      kube::object{{{"apiVersion", "v1"},
                    {"kind", "Namespace"},
                    {"metadata", {{"name", name_space}, {"labels", client_labels(name_space)}}}}},
      {.field_manager = manager});
  if (!made && made.error().code != kube::errc::already_exists)
    return within("Failed to create namespace " + name_space, kube::plain(std::move(made).error()));
  return {};
}

result<void> session::write(const release& what) {
  const auto& metadata = what.resource["metadata"];
  const auto name = metadata["name"].get<std::string>();
  const auto name_space = metadata["namespace"].get<std::string>();
  CLOUDFLOW_TRY(ensure_namespace(name_space));
  auto labels = client_labels(name);
  labels[app::label_config_format] = "input";
  json secret{{"apiVersion", "v1"},
              {"kind", "Secret"},
              {"metadata",
               {{"name", app::configuration_secret_of(name)},
                {"namespace", name_space},
                {"labels", std::move(labels)}}},
              {"type", "Opaque"},
              {"data", {{app::configuration_key, to_base64(what.configuration)}}}};
  CLOUDFLOW_TRY(apply(kube::secrets, secret));
  CLOUDFLOW_TRY(write_resource(what.resource));
  // It goes with the resource, whose id is known now.
  const auto written = CLOUDFLOW_TRY(application(name_space, name));
  secret["metadata"]["ownerReferences"] =
      app::owned_by(name, kube::text_at(written, "/metadata/uid"));
  return apply(kube::secrets, secret);
}

result<void> session::write_resource(const json& resource) {
  // What the server adds is not for us to apply.
  auto wanted = resource;
  wanted.erase("status");
  for (const auto* own :
       {"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink"})
    wanted["metadata"].erase(own);
  return apply(application_resource, wanted);
}

result<void> session::remove(const std::string& name_space, const std::string& name) {
  auto done = api_->remove(application_resource, {name_space, name},
                           {.dependents = kube::propagation::background});
  if (!done) return kube::plain(std::move(done).error());
  return {};
}

result<void> session::add_registry(const std::string& name_space, const std::string& registry,
                                   const std::string& user, const std::string& password) {
  CLOUDFLOW_TRY(ensure_namespace(name_space));
  constexpr const char* key = ".dockerconfigjson";
  auto found = api_->get(kube::secrets, {name_space, app::pull_secret});
  auto all = json::object();
  if (found) {
    all = json::parse(kube::secret_text(*found, key), nullptr, false);
    if (!all.is_object()) return error{"Failed to deserialize existing docker image pull secret"};
  } else if (found.error().code != kube::errc::not_found) {
    return kube::plain(std::move(found).error());
  }
  all["auths"][registry] = {
      {"username", user}, {"password", password}, {"auth", to_base64(user + ":" + password)}};
  return apply(kube::secrets, {{"apiVersion", "v1"},
                               {"kind", "Secret"},
                               {"metadata",
                                {{"name", app::pull_secret},
                                 {"namespace", name_space},
                                 {"labels", client_labels(name_space)}}},
                               {"type", "kubernetes.io/dockerconfigjson"},
                               {"data", {{key, to_base64(all.dump())}}}});
}

}  // namespace cloudflow::cli
