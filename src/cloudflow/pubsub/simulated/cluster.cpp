#include "cloudflow/pubsub/simulated/cluster.hpp"

#include "cloudflow/pubsub/simulated/internal/broker.hpp"

namespace cloudflow::pubsub::simulated {

// -- broker ---------------------------------------------------------------------------------------

broker::broker(const clock& time, std::uint64_t seed, const fault_profile& w)
  : around{.time = &time, .now = w, .random = std::mt19937_64{seed}},
    groups{around,
           {.partitions_of =
                [this](const std::string& topic) {
                  const auto info = all_topics.describe(topic);
                  return info ? info->spec.partitions : 0;
                },
            .start_of = [this](const member& m,
                               const topic_partition& source) { return start_of(m, source); },
            .is_pending =
                [this](std::string_view group, const topic_partition& source) {
                  return all_commits.is_pending(group, source);
                }}} {
  all_commits.set_groups(groups);
}

record_offset broker::start_of(const member& m, const topic_partition& source) const {
  if (const auto committed = all_commits.position(m.wanted.group, source)) return *committed;
  const auto* log = all_topics.find(source);
  return m.wanted.start_at == consumer_options::start::latest ? log->end() : record_offset{0};
}

// -- cluster --------------------------------------------------------------------------------------

struct cluster::broker_handle {
  std::shared_ptr<broker> at;
};

cluster::cluster(const clock& time, std::uint64_t seed, const fault_profile& w)
  : broker_(std::make_unique<broker_handle>(std::make_shared<broker>(time, seed, w))) {}

cluster::~cluster() = default;

std::unique_ptr<session> cluster::connect() { return make_session(broker_->at); }

void cluster::set_fault_profile(const fault_profile& from_now_on) {
  const std::lock_guard lock{broker_->at->mutex};
  broker_->at->around.now = from_now_on;
}

void cluster::fail_commits(int count, const error& why) {
  const std::lock_guard lock{broker_->at->mutex};
  broker_->at->all_commits.fail_next(count, why);
}

void cluster::rebalance(std::string_view group) {
  const std::lock_guard lock{broker_->at->mutex};
  broker_->at->groups.rebalance(group);
}

void cluster::set_limit(std::string_view topic, std::size_t bytes) {
  const std::lock_guard lock{broker_->at->mutex};
  broker_->at->all_topics.set_limit(topic, bytes);
}

std::vector<std::string> cluster::violations() const {
  const std::lock_guard lock{broker_->at->mutex};
  return broker_->at->around.violations;
}

record_batch cluster::committed(const topic_partition& of) const {
  const std::lock_guard lock{broker_->at->mutex};
  const auto* log = broker_->at->all_topics.find(of);
  return log == nullptr ? record_batch{} : log->committed();
}

std::optional<record_offset> cluster::position(std::string_view group,
                                               const topic_partition& of) const {
  const std::lock_guard lock{broker_->at->mutex};
  return broker_->at->all_commits.position(group, of);
}

}  // namespace cloudflow::pubsub::simulated
