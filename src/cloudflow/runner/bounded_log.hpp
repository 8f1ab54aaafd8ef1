#pragma once

#include "cloudflow/pubsub/backend.hpp"

#include <map>

namespace cloudflow::runner {

/// Another log, some of whose partitions seem to end earlier: what a runtime takes for the end of
/// its input. As thread-safe as the other one, which outlives it; so do batches.
class bounded_log final : public pubsub::backend {
public:
  using ends = std::map<pubsub::topic_partition, record_offset>;

  bounded_log(pubsub::backend& log, ends before) : log_(&log), ends_(std::move(before)) {}

  pubsub::result<pubsub::topic_info> ensure_topic(const pubsub::topic_spec& wanted) override;
  pubsub::result<std::vector<pubsub::topic_info>> topics() const override;
  pubsub::result<pubsub::topic_info> topic(std::string_view name) const override;
  pubsub::result<std::unique_ptr<pubsub::producer>> open_producer(
      const pubsub::producer_options& options) override;
  pubsub::result<std::unique_ptr<pubsub::consumer>> open_consumer(
      const pubsub::consumer_options& options) override;
  pubsub::result<pubsub::record_batch> read(const pubsub::topic_partition& source,
                                            record_offset from,
                                            pubsub::fetch_limits limits) const override;
  pubsub::result<std::optional<record_offset>> position(
      std::string_view group, const pubsub::topic_partition& source) const override;
  pubsub::result<bool> has_members(std::string_view group) const override;
  pubsub::result<record_offset> offset_at(const pubsub::topic_partition& source,
                                          timestamp at) const override;
  void ask_end(const pubsub::topic_partition& of,
               const std::function<void(const pubsub::result<record_offset>&)>& then) override;
  void forget_before(const pubsub::topic_partition& of, record_offset needed) override;
  pubsub::schema_store& schemas() override { return log_->schemas(); }
  pubsub::result<void> ensure_state(std::string_view owner, std::int32_t partitions) override;
  pubsub::result<bool> restore(std::string_view owner, partition_id partition,
                               const std::function<void()>& on_ready) override;
  void give_up(std::string_view owner, partition_id partition) override;
  const pubsub::state_reader& state() const override { return log_->state(); }

private:
  void shorten(pubsub::topic_info& info) const;

  pubsub::backend* log_;
  ends ends_;
};

}  // namespace cloudflow::runner
