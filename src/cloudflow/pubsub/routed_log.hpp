/// Several logs as one: an application may have topics on several Kafka clusters, and some in the
/// embedded log.
#pragma once

#include "cloudflow/pubsub/backend.hpp"

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace cloudflow::pubsub {

/// Where what is. The logs outlive whoever refers to them.
struct routes {
  std::vector<backend*> logs;                               ///< all of them, none twice; not empty
  std::map<std::string, backend*, std::less<>> topics;      ///< by name
  std::map<std::string, backend*, std::less<>> streamlets;  ///< whose state is where
  /// Of what stands in neither: the first log.
  backend& of_topic(std::string_view name) const;
  backend& of_streamlet(std::string_view name) const;
};

/// Passes each call on to the log that it is about. Thread-safe as the logs are.
///
/// A transaction that concerns one log is that log's. One over several is at-least-once: what is
/// only written comes first, state and positions last, so that nothing is taken for processed that
/// is not durable. An exactly-once producer refuses it (`errc::unsupported`).
class routed_log final : public backend {
public:
  explicit routed_log(routes where);

  result<topic_info> ensure_topic(const topic_spec& wanted) override;
  result<std::vector<topic_info>> topics() const override;
  result<topic_info> topic(std::string_view name) const override;
  result<std::unique_ptr<producer>> open_producer(const producer_options& options) override;
  /// All topics of one consumer are in one log.
  result<std::unique_ptr<consumer>> open_consumer(const consumer_options& options) override;
  result<record_batch> read(const topic_partition& source, record_offset from,
                            fetch_limits limits) const override;
  result<record_offset> offset_at(const topic_partition& source, timestamp at) const override;
  result<std::optional<record_offset>> position(std::string_view group,
                                                const topic_partition& source) const override;
  /// In any of the logs.
  result<bool> has_members(std::string_view group) const override;
  void ask_end(const topic_partition& of,
               const std::function<void(const result<record_offset>&)>& then) override;
  void forget_before(const topic_partition& of, record_offset needed) override;
  schema_store& schemas() override { return schemas_; }
  result<void> ensure_state(std::string_view owner, std::int32_t partitions) override;
  result<bool> restore(std::string_view owner, partition_id partition,
                       const std::function<void()>& on_ready) override;
  void give_up(std::string_view owner, partition_id partition) override;
  const state_reader& state() const override { return state_; }

private:
  /// A schema is wherever a record of it may be.
  class all_schemas final : public schema_store {
  public:
    explicit all_schemas(const routes& where) : where_(&where) {}
    result<void> put(std::string_view fingerprint, std::string_view text) override;
    result<std::optional<std::string>> find(std::string_view fingerprint_prefix) const override;

  private:
    const routes* where_;
  };
  class all_state final : public state_reader {
  public:
    explicit all_state(const routes& where) : where_(&where) {}
    result<std::optional<std::string>> find(std::string_view store, partition_id partition,
                                            std::string_view key) const override;
    result<void> scan(
        std::string_view store, partition_id partition, std::string_view prefix,
        const std::function<bool(std::string_view key, std::string_view value)>& f) const override;

  private:
    const routes* where_;
  };

  const routes where_;
  all_schemas schemas_;
  all_state state_;
};

}  // namespace cloudflow::pubsub
