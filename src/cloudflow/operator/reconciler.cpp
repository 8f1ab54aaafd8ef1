#include "cloudflow/operator/reconciler.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

namespace cloudflow::controller {

struct reconciler::pass {
  app::app_key key;
  shared_object resource;
  std::stop_token stop;
  std::optional<std::string> configuration = {};  ///< that a client has written
  std::optional<app::interpretation> app = {};
  std::vector<object> wanted = {};
  std::map<std::string, kube::object> applied = {};  ///< by kind and name, as they are now
  std::vector<condition> conditions = {};

  bool refuse(const char* type, const char* reason, std::string message) {
    conditions.push_back(
        {.type = type, .is_true = false, .reason = reason, .message = std::move(message)});
    return false;
  }
  bool confirm(const char* type) {
    conditions.push_back({.type = type});
    return true;
  }
};

reconciler::reconciler(kube::client& api, const cluster_view& view, const clock& time, logger log,
                       reconciler_options how)
  : api_(&api), view_(&view), time_(&time), log_(std::move(log)), how_(std::move(how)) {}

reconciler::outcome reconciler::reconcile(const app::app_key& key, const std::stop_token& stop) {
  pass p{.key = key, .resource = view_->application(key), .stop = stop};
  // What is owned by a resource that is gone goes with it.
  if (p.resource == nullptr || p.resource->is_being_deleted()) {
    forget(key);
    return outcome::done;
  }
  if (const auto secret = view_->secret(key, app::configuration_secret_of(key.name)))
    p.configuration = kube::secret_text(*secret, app::configuration_key);
  if (is_in_the_middle_of_a_change(p)) return outcome::soon;
  const bool is_well = look(p);
  if (!is_well)
    for (const auto& c : p.conditions)
      if (!c.is_true) log_.warn("{}: {}: {}", app::to_string(key), c.reason, c.message);
  return write_status(p) && is_well ? outcome::done : outcome::failed;
}

namespace {

/// The configuration that belongs to the resource is the one that is there.
bool is_complete(const kube::object& resource, const std::optional<std::string>& configuration) {
  const auto wanted = resource.annotation(app::annotation_configuration);
  return wanted.empty() || (configuration && app::short_hash(*configuration) == wanted);
}

}  // namespace

/// A client writes the configuration, then the resource. What lasts longer is not on its way.
bool reconciler::is_in_the_middle_of_a_change(const pass& p) {
  constexpr std::chrono::seconds a_change_takes{10};
  const std::lock_guard lock{mutex_};
  if (is_complete(*p.resource, p.configuration)) {
    incomplete_since_.erase(p.key);
    return false;
  }
  const auto now = time_->monotonic();
  const auto [since, is_new] = incomplete_since_.emplace(p.key, now);
  return now - since->second < a_change_takes;
}

/// Each step needs the one before it.
bool reconciler::look(pass& p) {
  return accept(p) && make_topics(p) && apply_objects(p) && prune(p);
}

bool reconciler::accept(pass& p) const {
  constexpr auto type = "Accepted";
  if (!is_complete(*p.resource, p.configuration))
    return p.refuse(type, "ConfigurationIncomplete",
                    fmt::format("Secret {} does not hold the configuration that belongs to this "
                                "resource: whoever deploys it has not come to the end. Deploy or "
                                "configure it again.",
                                app::configuration_secret_of(p.key.name)));
  const app::application_input in{.resource = p.resource->json().dump(),
                                  .configuration = p.configuration,
                                  .kafka_clusters = view_->kafka_clusters()};
  auto app = app::interpret(in);
  if (!app) return p.refuse(type, "NoPlan", std::move(app).error().message);
  p.app = std::move(app).value();
  if (p.app->resource.app.id != p.key.name)
    return p.refuse(type, "OtherName",
                    fmt::format("spec.app_id is {}, and the resource is called {}: give both the "
                                "same name.",
                                p.app->resource.app.id, p.key.name));
  return p.confirm(type);
}

bool reconciler::make_topics(pass& p) {
  constexpr auto type = "TopicsReady";
  const auto digest = topics_digest(p.app->plan, p.app->secrets);
  {
    const std::lock_guard lock{mutex_};
    if (auto taken = claims_.claim(p.key, p.app->plan); !taken.empty())
      return p.refuse(type, "TopicTaken", std::move(taken));
    const auto& made = topics_[p.key];
    if (made.digest == digest && time_->monotonic() - made.at < how_.topics_hold)
      return p.confirm(type);
  }
  auto done = how_.provision(p.app->plan, p.app->secrets);
  if (!done) return p.refuse(type, "NotProvisioned", std::move(done).error().message);
  const std::lock_guard lock{mutex_};
  topics_[p.key] = {.digest = digest, .at = time_->monotonic()};
  return p.confirm(type);
}

namespace {

/// `StatefulSet shop-totals`
std::string name_of(const object& o) {
  return fmt::format("{} {}", o["kind"].get<std::string>(),
                     o["metadata"]["name"].get<std::string>());
}
std::string name_of(const kube::object& o) { return fmt::format("{} {}", o.kind(), o.name()); }

/// As Kubernetes writes times: without fractions of a second.
std::string now_in_seconds(const clock& time) {
  constexpr std::size_t up_to_seconds = 19;
  return to_iso8601(time.now()).substr(0, up_to_seconds) + "Z";
}

}  // namespace

bool reconciler::apply_objects(pass& p) const {
  constexpr auto type = "Applied";
  p.wanted = controller::objects_of(
      *p.app, {.key = p.key,
               .uid = std::string{p.resource->uid()},
               .has_pull_secret = view_->secret(p.key, app::pull_secret) != nullptr,
               .resources = how_.resources});
  std::string all;
  for (const auto& o : p.wanted) {
    auto done = api_->apply(resource_of(o["kind"].get<std::string>()), kube::object{o},
                            {.field_manager = app::field_manager, .is_forced = true}, p.stop);
    if (done) {
      p.applied.emplace(name_of(o), std::move(done).value());
      continue;
    }
    log_.warn("{}: {}: {}", app::to_string(p.key), name_of(o), done.error().message);
    if (!all.empty()) all += "; ";
    all += fmt::format("{}: {}", name_of(o), done.error().message);
  }
  return all.empty() || p.refuse(type, "NotApplied", std::move(all));
}

/// What was made for this application, and is not wanted any more.
bool reconciler::prune(pass& p) const {
  constexpr auto type = "Applied";
  std::set<std::string> wanted;
  for (const auto& o : p.wanted) wanted.insert(name_of(o));
  std::string all;
  for (const auto& o : view_->objects_of(p.key)) {
    if (wanted.contains(name_of(*o)) || o->is_being_deleted()) continue;
    const auto done = api_->remove(
        resource_of(o->kind()), o->key(),
        {.uid = std::string{o->uid()}, .dependents = kube::propagation::background}, p.stop);
    if (done || done.error().code == kube::errc::not_found) {
      log_.info("{}: {} is removed", app::to_string(p.key), name_of(*o));
      continue;
    }
    if (!all.empty()) all += "; ";
    all += fmt::format("{}: {}", name_of(*o), done.error().message);
  }
  return all.empty() ? p.confirm(type) : p.refuse(type, "NotRemoved", std::move(all));
}

/// What has just been applied counts where the cache has not seen it yet.
std::vector<nlohmann::json> reconciler::workloads_of(const pass& p) const {
  std::map<std::string, kube::object> all;
  for (const auto& [name, o] : p.applied)
    if (o.kind() == "Deployment" || o.kind() == "StatefulSet") all.emplace(name, o);
  for (const auto& w : view_->workloads_of(p.key)) {
    const auto [applied, is_new] = all.emplace(name_of(*w), *w);
    if (!is_new && w->generation() >= applied->second.generation()) applied->second = *w;
  }
  std::vector<nlohmann::json> workloads;
  for (auto& [name, o] : all) workloads.push_back(std::move(o.json()));
  return workloads;
}

bool reconciler::write_status(pass& p) const {
  status_input in;
  if (p.app) {
    in.app_id = p.app->resource.app.id;
    in.app_version = p.app->resource.app.version;
    in.deployments = p.app->resource.deployments;
  }
  in.generation = p.resource->generation();
  in.configuration = p.resource->annotation(app::annotation_configuration);
  in.conditions = p.conditions;
  in.before = p.resource->at("/status");
  in.now = now_in_seconds(*time_);
  for (const auto& pod : view_->pods_of(p.key)) in.pods.push_back(pod->json());
  in.workloads = workloads_of(p);
  const auto status = status_of(in);
  if (status == in.before) return true;
  const kube::object wanted{{{"apiVersion", blueprint::custom_resource_version},
                             {"kind", blueprint::custom_resource_kind},
                             {"metadata", {{"name", p.key.name}, {"namespace", p.key.name_space}}},
                             {"status", status}}};
  const auto done = api_->apply(
      applications, wanted,
      {.field_manager = app::field_manager, .is_forced = true, .subresource = "status"}, p.stop);
  if (done || done.error().code == kube::errc::not_found) return true;
  log_.warn("{}: its status: {}", app::to_string(p.key), done.error().message);
  return false;
}

void reconciler::forget(const app::app_key& key) {
  const std::lock_guard lock{mutex_};
  claims_.forget(key);
  topics_.erase(key);
  incomplete_since_.erase(key);
}

}  // namespace cloudflow::controller
