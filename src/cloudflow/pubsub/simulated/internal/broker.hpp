#pragma once

#include "cloudflow/pubsub/simulated/internal/circumstances.hpp"
#include "cloudflow/pubsub/simulated/internal/commits.hpp"
#include "cloudflow/pubsub/simulated/internal/coordinator.hpp"
#include "cloudflow/pubsub/simulated/internal/stores.hpp"
#include "cloudflow/pubsub/simulated/internal/topics.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace cloudflow::pubsub::simulated {

/// All that the processes share. Everything but `mutex` is guarded by it; callbacks are called with
/// it held, which is why they may not call back.
struct broker {
  broker(const clock& time, std::uint64_t seed, const fault_profile& w);

  std::mutex mutex;
  circumstances around;
  topics all_topics;
  stores state{around};
  commits all_commits{around, all_topics, state};
  coordinator groups;
  std::map<std::string, std::string, std::less<>> schemas;

private:
  record_offset start_of(const member& m, const topic_partition& source) const;
};

std::unique_ptr<session> make_session(std::shared_ptr<broker> at);

}  // namespace cloudflow::pubsub::simulated
