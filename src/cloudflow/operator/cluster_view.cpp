#include "cloudflow/operator/cluster_view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>
#include <string_view>

namespace cloudflow::controller {
namespace {

/// The application that an object belongs to, by its owner, else by its label.
app::app_key application_of(const kube::object& o) {
  const auto& owners = o.at("/metadata/ownerReferences");
  if (owners.is_array())
    for (const auto& owner : owners)
      if (owner.value("kind", "") == "CloudflowApplication")
        return {std::string{o.name_space()}, owner.value("name", "")};
  return {std::string{o.name_space()}, std::string{o.label(app::label_part_of)}};
}

bool is_applied_by_us(const kube::object& o) {
  const auto& managers = o.at("/metadata/managedFields");
  return managers.is_array() && std::ranges::any_of(managers, [](const auto& m) {
           return m.value("manager", "") == app::field_manager;
         });
}

}  // namespace

const kube::resource& resource_of(std::string_view kind) {
  if (kind == "Secret") return kube::secrets;
  if (kind == "Service") return kube::services;
  if (kind == "ServiceAccount") return kube::service_accounts;
  if (kind == "Deployment") return kube::deployments;
  if (kind == "StatefulSet") return kube::stateful_sets;
  throw std::invalid_argument{fmt::format("no resource of kind {}", kind)};
}

cluster_view::cluster_view(kube::client& api, options how, const logger& log,
                           std::function<void(const app::app_key&)> changed)
  : how_(std::move(how)), changed_(std::move(changed)) {
  const auto ours = fmt::format("{}={}", app::label_managed_by, app::managed_by);
  const auto watch = [&](const char* name, const kube::resource& of, kube::selection which,
                         kube::object_cache::receiver receive) {
    kube::object_cache_options cache;
    cache.of = std::move(which);
    cache.thread_name = name;
    caches_[name] = std::make_unique<kube::object_cache>(api, of, cache, log, std::move(receive));
  };
  const auto of_application = [this](const kube::change& c) { on_change(c); };
  watch("applications", applications, {.name_space = how_.name_space}, of_application);
  for (const auto* of : {&kube::secrets, &kube::pods, &kube::services, &kube::service_accounts,
                         &kube::deployments, &kube::stateful_sets})
    watch(of->plural.c_str(), *of, {.name_space = how_.name_space, .label_selector = ours},
          of_application);
  // The last: what it calls reads the others.
  watch("clusters", kube::secrets,
        {.name_space = how_.own_namespace, .label_selector = app::label_kafka_cluster},
        [this](const kube::change& c) { on_cluster(c); });
}

void cluster_view::on_change(const kube::change& change) const {
  if (!change.object) return;
  if (change.object->kind() == "CloudflowApplication")
    changed_({change.key.name_space, change.key.name});
  else if (auto app = application_of(*change.object); !app.name.empty())
    changed_(app);
}

void cluster_view::on_cluster(const kube::change& /*change*/) const {
  for (const auto& key : all_applications()) changed_(key);
}

shared_object cluster_view::application(const app::app_key& key) const {
  return caches_.at("applications")->find({key.name_space, key.name});
}

std::vector<app::app_key> cluster_view::all_applications() const {
  std::vector<app::app_key> keys;
  for (const auto& o : caches_.at("applications")->all())
    keys.push_back({std::string{o->name_space()}, std::string{o->name()}});
  return keys;
}

std::map<std::string, std::string> cluster_view::kafka_clusters() const {
  std::map<std::string, std::string> clusters;
  for (const auto& o : caches_.at("clusters")->all())
    clusters[std::string{o->label(app::label_kafka_cluster)}] =
        kube::secret_text(*o, app::configuration_key);
  return clusters;
}

shared_object cluster_view::secret(const app::app_key& of, const std::string& name) const {
  return caches_.at("secrets")->find({of.name_space, name});
}

std::vector<shared_object> cluster_view::pods_of(const app::app_key& app) const {
  std::vector<shared_object> found;
  for (const auto& o : caches_.at("pods")->all())
    if (application_of(*o) == app) found.push_back(o);
  return found;
}

std::vector<shared_object> cluster_view::workloads_of(const app::app_key& app) const {
  std::vector<shared_object> found;
  for (const auto* of : {"deployments", "statefulsets"})
    for (const auto& o : caches_.at(of)->all())
      if (application_of(*o) == app) found.push_back(o);
  return found;
}

std::vector<shared_object> cluster_view::objects_of(const app::app_key& app) const {
  std::vector<shared_object> found;
  for (const auto* of : {"secrets", "services", "serviceaccounts", "deployments", "statefulsets"})
    for (const auto& o : caches_.at(of)->all())
      if (application_of(*o) == app && is_applied_by_us(*o)) found.push_back(o);
  return found;
}

bool cluster_view::has_synced() const {
  return std::ranges::all_of(caches_, [](const auto& c) { return c.second->has_synced(); });
}

std::string cluster_view::failure() const {
  for (const auto& [name, cache] : caches_)
    if (const auto failure = cache->failure()) return fmt::format("{}: {}", name, failure->message);
  return {};
}

}  // namespace cloudflow::controller
