/// Makes the cluster be as the applications' resources say.
#pragma once

#include "cloudflow/base/log.hpp"
#include "cloudflow/base/time.hpp"
#include "cloudflow/kube/client.hpp"
#include "cloudflow/operator/cluster_view.hpp"
#include "cloudflow/operator/objects.hpp"
#include "cloudflow/operator/status.hpp"
#include "cloudflow/operator/topics.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>

namespace cloudflow::controller {

/// What an application is given beside its resource.
struct reconciler_options {
  default_resources resources = {};
  /// provision_topics(), or what stands for it in tests. Thread-safe.
  std::function<result<void>(const blueprint::plan&, const blueprint::secret_texts&)> provision;
  /// Topics are looked at again after so long, whatever has not changed.
  std::chrono::minutes topics_hold{10};
};

/// Level-triggered: what is to be done for an application follows from what is, whatever happened
/// before. An error stays with its application. Thread-safe; one thread at a time works on one key.
class reconciler {
public:
  enum class outcome {
    done,
    soon,    ///< somebody is in the middle of a change
    failed,  ///< something stands in the way; the status of the resource says what
  };

  /// All of them outlive it.
  reconciler(kube::client& api, const cluster_view& view, const clock& time, logger log,
             reconciler_options how);

  /// Looks at one application once.
  outcome reconcile(const app::app_key& key, const std::stop_token& stop);

private:
  /// One application while it is looked at.
  struct pass;

  bool is_in_the_middle_of_a_change(const pass& p);
  bool look(pass& p);
  bool accept(pass& p) const;
  bool make_topics(pass& p);
  bool apply_objects(pass& p) const;
  bool prune(pass& p) const;
  std::vector<nlohmann::json> workloads_of(const pass& p) const;
  bool write_status(pass& p) const;
  void forget(const app::app_key& key);

  kube::client* api_;
  const cluster_view* view_;
  const clock* time_;
  logger log_;
  reconciler_options how_;

  struct topics_made {
    std::string digest;
    std::chrono::nanoseconds at{};
  };
  std::mutex mutex_;  // guards what follows
  topic_claims claims_;
  std::map<app::app_key, topics_made> topics_;
  std::map<app::app_key, std::chrono::nanoseconds> incomplete_since_;
};

}  // namespace cloudflow::controller
