/// A backend whose names are a test's own, on a broker that several tests share.
#pragma once

#include "cloudflow/pubsub/backend.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace cloudflow::pubsub::kafka {

/// Puts a prefix before the names of topics, groups and transactional ids, and takes it away again.
/// State and schemas are of one application anyway.
class prefixed_backend final : public backend {
public:
  prefixed_backend(std::unique_ptr<backend> inner, std::string prefix)
    : inner_(std::move(inner)), prefix_(std::move(prefix)) {}

  result<topic_info> ensure_topic(const topic_spec& wanted) override;
  result<std::vector<topic_info>> topics() const override;
  result<topic_info> topic(std::string_view name) const override;
  result<std::unique_ptr<producer>> open_producer(const producer_options& wanted) override;
  result<std::unique_ptr<consumer>> open_consumer(const consumer_options& wanted) override;
  result<record_batch> read(const topic_partition& source, record_offset from,
                            fetch_limits limits) const override;
  result<std::optional<record_offset>> position(std::string_view group,
                                                const topic_partition& source) const override;
  result<bool> has_members(std::string_view group) const override;
  result<record_offset> offset_at(const topic_partition& source, timestamp at) const override;
  void ask_end(const topic_partition& of,
               const std::function<void(const result<record_offset>&)>& then) override {
    inner_->ask_end(with_prefix(of), then);
  }
  void forget_before(const topic_partition& of, record_offset needed) override {
    inner_->forget_before(with_prefix(of), needed);
  }
  schema_store& schemas() override { return inner_->schemas(); }
  result<void> ensure_state(std::string_view owner, std::int32_t partitions) override {
    return inner_->ensure_state(owner, partitions);
  }
  result<bool> restore(std::string_view owner, partition_id partition,
                       const std::function<void()>& on_ready) override {
    return inner_->restore(owner, partition, on_ready);
  }
  void give_up(std::string_view owner, partition_id partition) override {
    inner_->give_up(owner, partition);
  }
  const state_reader& state() const override { return inner_->state(); }

private:
  std::string with_prefix(std::string_view name) const;
  topic_partition with_prefix(const topic_partition& source) const;
  topic_info without_prefix(topic_info info) const;

  const std::unique_ptr<backend> inner_;
  const std::string prefix_;
};

}  // namespace cloudflow::pubsub::kafka
