/// The topics of an application on its Kafka clusters.
#pragma once

#include "cloudflow/application/kubernetes_names.hpp"
#include "cloudflow/base/result.hpp"
#include "cloudflow/base/time.hpp"
#include "cloudflow/blueprint/plan.hpp"
#include "cloudflow/pubsub/cluster_options.hpp"

#include <map>
#include <set>
#include <string>

namespace cloudflow::controller {

/// Makes the topics that a plan manages and compares the others, as app::provision does; deletes
/// none. Blocks while the clusters do. `open_kafka` opens a session, `time` outlives the call.
///
/// Errors: a topic on no cluster; a cluster that cannot be reached; those of app::provision.
result<void> provision_topics(const blueprint::plan& plan, const blueprint::secret_texts& secrets,
                              pubsub::open_cluster open_kafka, const clock& time);

/// What the topics of a plan are, as one text: equal where provision_topics() has the same to do.
std::string topics_digest(const blueprint::plan& plan, const blueprint::secret_texts& secrets);

/// Which application manages which topic: the first that has said so. Confined to one thread.
class topic_claims {
public:
  /// Takes the managed topics of an application, instead of those that it had. Returns a sentence
  /// for the first that another application has; then it takes none. Empty: they are its own.
  std::string claim(const app::app_key& app, const blueprint::plan& plan);
  void forget(const app::app_key& app);

private:
  using place = std::string;  // brokers and name
  std::map<place, app::app_key> owners_;
};

}  // namespace cloudflow::controller
