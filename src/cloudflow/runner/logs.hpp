/// The logs that a plan's topics are in, opened as one.
#pragma once

#include "cloudflow/base/log.hpp"
#include "cloudflow/base/result.hpp"
#include "cloudflow/base/time.hpp"
#include "cloudflow/blueprint/plan.hpp"
#include "cloudflow/pubsub/cluster_options.hpp"
#include "cloudflow/pubsub/embedded/log.hpp"
#include "cloudflow/pubsub/routed_log.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace cloudflow::runner {

struct log_options {
  std::filesystem::path embedded;  ///< directory of the embedded log
  std::filesystem::path kafka;     ///< of local copies of state, one directory below it for each
                                   ///< cluster; empty: no state
  std::uint64_t disk_bound = 0;    ///< of the embedded log, bytes; 0: none
  bool is_read_only = false;       ///< nothing is created
  pubsub::open_cluster open_kafka = nullptr;  ///< null: the program is built without
  logger log_lines{make_null_sink(), "log"};
  /// While this says no, a cluster that cannot be reached, and a disk without room, is tried again
  /// and again; each cause is logged once. None: it is an error at once.
  std::function<bool()> must_stop;
};

/// Owns the embedded log, if a topic of the plan is in it, and a session with each Kafka cluster.
/// What it hands out lives as long as it.
class logs {
public:
  /// `secrets`: what the plan refers to. `time` outlives it. Errors: what the first log says that
  /// cannot be opened; a cluster where the program is built without Kafka.
  static pubsub::result<std::unique_ptr<logs>> open(const blueprint::plan& plan,
                                                    const blueprint::secret_texts& secrets,
                                                    const log_options& how, const clock& time);

  /// All of them as one.
  pubsub::backend& all() noexcept { return routed_ ? *routed_ : *sessions_.front(); }
  /// Null when no topic is in the embedded log.
  pubsub::embedded::log* embedded() noexcept { return embedded_; }

private:
  std::vector<std::unique_ptr<pubsub::backend>> sessions_;
  std::optional<pubsub::routed_log> routed_;
  pubsub::embedded::log* embedded_ = nullptr;
};

}  // namespace cloudflow::runner
