/// All objects that the operator goes by, as they are in the cluster a moment ago.
#pragma once

#include "cloudflow/application/kubernetes_names.hpp"
#include "cloudflow/base/log.hpp"
#include "cloudflow/kube/client.hpp"
#include "cloudflow/kube/object_cache.hpp"
#include "cloudflow/kube/well_known.hpp"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace cloudflow::controller {

inline const kube::resource applications{"cloudflow.lightbend.com", "v1alpha1",
                                         "cloudflowapplications"};
/// The resource of an object of ours, by its kind. @pre it is one that objects_of() makes.
const kube::resource& resource_of(std::string_view kind);

using shared_object = std::shared_ptr<const kube::object>;

/// Caches of the kinds that matter, each with a thread of its own. Thread-safe.
class cluster_view {
public:
  struct options {
    std::string name_space = {};  ///< the one to look after; empty: all
    std::string own_namespace;    ///< of the operator, where Kafka clusters are
  };
  /// `changed` is called on the threads of the caches with the application that an object is of.
  /// `api` outlives it.
  cluster_view(kube::client& api, options how, const logger& log,
               std::function<void(const app::app_key&)> changed);

  shared_object application(const app::app_key& key) const;
  std::vector<app::app_key> all_applications() const;
  /// HOCON, by name.
  std::map<std::string, std::string> kafka_clusters() const;
  shared_object secret(const app::app_key& of, const std::string& name) const;
  /// In the order of their names.
  std::vector<shared_object> pods_of(const app::app_key& app) const;
  std::vector<shared_object> workloads_of(const app::app_key& app) const;
  /// What the operator has made for the application.
  std::vector<shared_object> objects_of(const app::app_key& app) const;

  /// Everything that was there at the beginning is known.
  bool has_synced() const;
  /// Why a cache is behind; empty: none is.
  std::string failure() const;

private:
  void on_change(const kube::change& change) const;
  void on_cluster(const kube::change& change) const;

  const options how_;
  std::function<void(const app::app_key&)> changed_;
  std::map<std::string, std::unique_ptr<kube::object_cache>> caches_;  // by plural, and `clusters`
};

}  // namespace cloudflow::controller
