#include "cloudflow/pubsub/kafka/cluster.hpp"

#include "cloudflow/base/named_thread.hpp"
#include "cloudflow/pubsub/kafka/internal/admin.hpp"
#include "cloudflow/pubsub/kafka/internal/catalog.hpp"
#include "cloudflow/pubsub/kafka/internal/changelog.hpp"
#include "cloudflow/pubsub/kafka/internal/connection.hpp"
#include "cloudflow/pubsub/kafka/internal/consumer.hpp"
#include "cloudflow/pubsub/kafka/internal/destinations.hpp"
#include "cloudflow/pubsub/kafka/internal/groups.hpp"
#include "cloudflow/pubsub/kafka/internal/partition_requests.hpp"
#include "cloudflow/pubsub/kafka/internal/producer.hpp"
#include "cloudflow/pubsub/kafka/internal/reader.hpp"
#include "cloudflow/pubsub/kafka/internal/topics.hpp"

#include <stop_token>
#include <thread>
#include <utility>

namespace cloudflow::pubsub::kafka {

namespace {

constexpr std::chrono::seconds connect_patience{10};
constexpr std::chrono::seconds between_looks_at_files{1};

/// Serves librdkafka's callbacks, and looks whether files of credentials have changed.
class attendant {
public:
  attendant(connection& session, const admin& requests)
    : thread_(named_thread("kafka attendant",
                           [&](const std::stop_token& stop) { attend(session, requests, stop); })) {
  }

private:
  static void attend(connection& session, const admin& requests, const std::stop_token& stop) {
    const std::stop_callback wake{stop, [&requests] { requests.stop_serving(); }};
    auto looked_at = session.time().monotonic();
    while (!stop.stop_requested()) {
      requests.serve(between_looks_at_files);
      if (session.time().monotonic() - looked_at < between_looks_at_files) continue;
      session.take_up_changes();
      looked_at = session.time().monotonic();
    }
  }

  std::jthread thread_;
};

class cluster final : public backend {
public:
  explicit cluster(std::shared_ptr<connection> session)
    : session_(std::move(session)),
      requests_(session_),
      records_(session_, requests_),
      catalog_(session_, requests_, records_),
      topics_(session_, requests_, catalog_),
      schemas_(catalog_),
      destinations_(requests_),
      changelog_(session_, requests_, records_, catalog_),
      partition_requests_(requests_, session_->log()) {}

  result<void> connect() {
    CLOUDFLOW_TRY(requests_.connect(connect_patience));
    session_->established();
    attendant_.emplace(*session_, requests_);
    return {};
  }

  // -- topics -------------------------------------------------------------------------------------

  result<topic_info> ensure_topic(const topic_spec& wanted) override {
    return topics_.ensure(wanted);
  }
  result<std::vector<topic_info>> topics() const override { return topics_.all(); }
  result<topic_info> topic(std::string_view name) const override {
    return topics_.one(std::string{name});
  }

  // -- records and positions ----------------------------------------------------------------------

  result<std::unique_ptr<producer>> open_producer(const producer_options& wanted) override {
    return group_producer::open({session_, requests_, destinations_, members_, changelog_}, wanted);
  }
  result<std::unique_ptr<consumer>> open_consumer(const consumer_options& wanted) override {
    return group_consumer::open(session_, requests_, members_, wanted, changelog_);
  }
  result<record_batch> read(const topic_partition& source, record_offset from,
                            fetch_limits limits) const override {
    return records_.read(source, from, limits);
  }
  result<std::optional<record_offset>> position(std::string_view group,
                                                const topic_partition& source) const override {
    return requests_.position(std::string{group}, source);
  }
  result<bool> has_members(std::string_view group) const override {
    return requests_.has_members(std::string{group});
  }
  result<record_offset> offset_at(const topic_partition& source, timestamp at) const override {
    const auto range = CLOUDFLOW_TRY(requests_.range(source));
    const auto found = CLOUDFLOW_TRY(requests_.offset_at(source, at));
    return std::min(found.value_or(range.end), range.end);
  }
  void ask_end(const topic_partition& of,
               const std::function<void(const result<record_offset>&)>& then) override {
    partition_requests_.ask_end(of, then);
  }
  void forget_before(const topic_partition& of, record_offset needed) override {
    partition_requests_.forget_before(of, needed);
  }

  // -- schemas and state --------------------------------------------------------------------------

  schema_store& schemas() override { return schemas_; }
  result<void> ensure_state(std::string_view owner, std::int32_t partitions) override {
    return changelog_.ensure(owner, partitions);
  }
  result<bool> restore(std::string_view owner, partition_id partition,
                       const std::function<void()>& on_ready) override {
    return changelog_.restore(owner, partition, on_ready);
  }
  void give_up(std::string_view owner, partition_id partition) override {
    changelog_.give_up(owner, partition);
  }
  const state_reader& state() const override { return changelog_; }

private:
  const std::shared_ptr<connection> session_;
  admin requests_;
  reader records_;
  catalog catalog_;
  kafka::topics topics_;
  catalog_schemas schemas_;
  destinations destinations_;
  groups members_;
  changelog changelog_;
  partition_requests partition_requests_;
  std::optional<attendant> attendant_;
};

}  // namespace

result<std::unique_ptr<backend>> open(const options& wanted, const clock& time) {
  auto session = CLOUDFLOW_TRY(connection::make(wanted, time));
  auto opened = std::make_unique<cluster>(std::move(session));
  CLOUDFLOW_TRY(opened->connect());
  return std::unique_ptr<backend>{std::move(opened)};
}

}  // namespace cloudflow::pubsub::kafka
