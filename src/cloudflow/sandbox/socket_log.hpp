#pragma once

#include "cloudflow/pubsub/backend.hpp"
#include "cloudflow/runtime/metrics.hpp"

#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

namespace cloudflow::sandbox {

/// The logs of an application that runs, through its socket: for looking, for adding records and
/// moving positions. It hands out producers and no consumers; state and new topics are the
/// application's own.
///
/// Each call is one request on a connection of its own. Confined to one thread.
class socket_log final : public pubsub::backend {
public:
  /// Null when nobody listens there.
  static std::unique_ptr<socket_log> connect(const std::filesystem::path& socket);

  /// What the tasks of the application do.
  pubsub::result<std::vector<runtime::task_status>> status() const;
  /// Has the application copy its embedded log to a directory that is not there yet; an absolute
  /// path.
  pubsub::result<void> backup(const std::filesystem::path& to) const;

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
  /// The application knows what it needs.
  void forget_before(const pubsub::topic_partition&, record_offset) override {}
  pubsub::schema_store& schemas() override { return schemas_; }
  pubsub::result<void> ensure_state(std::string_view owner, std::int32_t partitions) override;
  pubsub::result<bool> restore(std::string_view owner, partition_id partition,
                               const std::function<void()>& on_ready) override;
  void give_up(std::string_view, partition_id) override {}
  const pubsub::state_reader& state() const override { return state_; }

private:
  class remote_schemas final : public pubsub::schema_store {
  public:
    explicit remote_schemas(const std::filesystem::path& socket) : socket_(&socket) {}
    pubsub::result<void> put(std::string_view fingerprint, std::string_view text) override;
    pubsub::result<std::optional<std::string>> find(
        std::string_view fingerprint_prefix) const override;

  private:
    const std::filesystem::path* socket_;
  };
  class no_state final : public pubsub::state_reader {
  public:
    pubsub::result<std::optional<std::string>> find(std::string_view store, partition_id partition,
                                                    std::string_view key) const override;
    pubsub::result<void> scan(
        std::string_view store, partition_id partition, std::string_view prefix,
        const std::function<bool(std::string_view, std::string_view)>& f) const override;
  };

  explicit socket_log(std::filesystem::path socket) : socket_(std::move(socket)) {}

  const std::filesystem::path socket_;
  remote_schemas schemas_{socket_};
  no_state state_;
};

}  // namespace cloudflow::sandbox
