#include "cloudflow/pubsub/embedded/log.hpp"

#include "cloudflow/pubsub/at_once.hpp"
#include "cloudflow/pubsub/embedded/internal/clients.hpp"
#include "cloudflow/pubsub/embedded/internal/recovery.hpp"
#include "cloudflow/pubsub/embedded/internal/retention.hpp"
#include "cloudflow/pubsub/embedded/internal/stores.hpp"
#include "cloudflow/pubsub/embedded/internal/topic_codec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>

namespace cloudflow::pubsub::embedded {
namespace {

// Above this share of the disk bound maintain() compacts what it has erased rather than wait for
// RocksDB.
constexpr std::uint64_t thorough_above_quarters = 3;

class embedded_log final : public log {
public:
  embedded_log(const options& wanted, std::unique_ptr<storage> disk,
               std::unique_ptr<topic_table> topics, const clock& time)
    : options_(wanted),
      disk_(std::move(disk)),
      topics_(std::move(topics)),
      committer_(options_, *disk_, *topics_, time),
      retention_(*disk_, committer_, *topics_, time),
      schemas_(*disk_, committer_, options_),
      state_(*disk_) {}

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
    tell_end(*this, of, then);
  }
  /// Retention goes by the positions of groups.
  void forget_before(const topic_partition&, record_offset) override {}
  schema_store& schemas() override { return schemas_; }
  // All of the state is here, and stays.
  result<void> ensure_state(std::string_view, std::int32_t) override { return {}; }
  result<bool> restore(std::string_view, partition_id, const std::function<void()>&) override {
    return true;
  }
  void give_up(std::string_view, partition_id) override {}
  const state_reader& state() const override { return state_; }
  result<maintenance> maintain() override;
  result<void> forget_group(std::string_view group) override;
  result<void> backup(const std::filesystem::path& to) const override { return disk_->copy_to(to); }
  std::optional<error> lacks_room() const override { return committer_.budget().lacks_room(); }
  const std::vector<std::string>& notes() const override { return disk_->notes(); }

private:
  result<topic_info> create_topic(const topic_spec& wanted, const topic_rules& rules);
  result<topic_info> change_topic(topic_state& topic, const topic_spec& wanted,
                                  const topic_rules& rules);
  result<void> record_topic(std::uint32_t id, const topic_spec& spec);
  result<void> check_writable() const;

  const options options_;
  const std::unique_ptr<storage> disk_;
  const std::unique_ptr<topic_table> topics_;
  committer committer_;
  std::mutex topics_mutex_;  // one change of a topic at a time
  std::mutex maintenance_mutex_;
  retention retention_;  // of the holder of maintenance_mutex_
  embedded_schemas schemas_;
  embedded_state state_;
};

error no_such_topic(std::string_view name) {
  return {errc::topic_not_found, fmt::format("There is no topic {}.", name)};
}

// -- topics ---------------------------------------------------------------------------------------

result<topic_info> embedded_log::ensure_topic(const topic_spec& wanted) {
  if (const auto problem = problem_of(wanted)) return error{errc::unsupported, *problem};
  const auto rules = CLOUDFLOW_TRY(rules_of(wanted));
  const std::lock_guard lock{topics_mutex_};
  if (auto* existing = topics_->find(wanted.name)) return change_topic(*existing, wanted, rules);
  return create_topic(wanted, rules);
}

result<topic_info> embedded_log::create_topic(const topic_spec& wanted, const topic_rules& rules) {
  std::uint32_t id = 0;
  for (const auto* topic : topics_->all()) id = std::max(id, topic->id() + 1);
  CLOUDFLOW_TRY(record_topic(id, wanted));
  return topics_->add(std::make_unique<topic_state>(id, wanted, rules), wanted.name).info();
}

result<topic_info> embedded_log::change_topic(topic_state& topic, const topic_spec& wanted,
                                              const topic_rules& rules) {
  auto spec = topic.spec();
  if (const auto text = difference(spec, wanted); !text.empty())
    return error{errc::topic_mismatch,
                 fmt::format("Topic {} exists and is not what is wanted.{} Use another name, or "
                             "start afresh with an empty log.",
                             wanted.name, text)};
  const auto before = spec;
  spec.properties = wanted.properties;
  if (spec.base_schema.empty()) spec.base_schema = wanted.base_schema;
  if (spec == before) return topic.info();
  CLOUDFLOW_TRY(record_topic(topic.id(), spec));
  topic.change(spec, rules);
  return topic.info();
}

result<void> embedded_log::record_topic(std::uint32_t id, const topic_spec& spec) {
  CLOUDFLOW_TRY(check_writable());
  write_set changes;
  changes.put(family::meta, topic_key(spec.name), encode_topic({id, spec}));
  return committer_.write_alone(changes);
}

result<std::vector<topic_info>> embedded_log::topics() const {
  std::vector<topic_info> all;
  for (const auto* topic : topics_->all()) all.push_back(topic->info());
  return all;
}

result<topic_info> embedded_log::topic(std::string_view name) const {
  const auto* found = topics_->find(name);
  if (found == nullptr) return no_such_topic(name);
  return found->info();
}

// -- reading and writing --------------------------------------------------------------------------

result<std::unique_ptr<producer>> embedded_log::open_producer(const producer_options& wanted) {
  CLOUDFLOW_TRY(check_writable());
  return std::unique_ptr<producer>{
      std::make_unique<embedded_producer>(committer_, committer_.acquire(wanted.transactional_id))};
}

result<std::unique_ptr<consumer>> embedded_log::open_consumer(const consumer_options& wanted) {
  return embedded_consumer::open(wanted, *disk_, *topics_);
}

result<record_batch> embedded_log::read(const topic_partition& source, record_offset from,
                                        fetch_limits limits) const {
  const auto* topic = topics_->find(source.topic);
  if (topic == nullptr || !topic->has(source.partition)) return no_such_topic(to_string(source));
  return partition_reader{*disk_, topic->partition(source.partition), from}.fetch(limits);
}

result<std::optional<record_offset>> embedded_log::position(std::string_view group,
                                                            const topic_partition& source) const {
  byte_writer key;
  put_position_key(key, group, source.topic, source.partition);
  const auto stored = CLOUDFLOW_TRY(disk_->get(family::positions, key.view()));
  if (!stored) return std::optional<record_offset>{};
  return offset_in(*stored);
}

result<bool> embedded_log::has_members(std::string_view group) const {
  const auto all = topics_->all();
  return std::any_of(all.begin(), all.end(),
                     [group](const topic_state* topic) { return topic->has_member(group); });
}

result<record_offset> embedded_log::offset_at(const topic_partition& source, timestamp at) const {
  const auto* topic = topics_->find(source.topic);
  if (topic == nullptr || !topic->has(source.partition)) return no_such_topic(to_string(source));
  return find_offset_at(*disk_, topic->partition(source.partition), at);
}

result<void> embedded_log::check_writable() const {
  if (!options_.read_only) return {};
  return error{errc::unsupported,
               fmt::format("The log in {} is open for reading only.", options_.directory.string())};
}

// -- upkeep ---------------------------------------------------------------------------------------

result<maintenance> embedded_log::maintain() {
  CLOUDFLOW_TRY(check_writable());
  const std::lock_guard lock{maintenance_mutex_};
  auto done = retention_.run();
  if (!done) return done;
  const bool is_tight =
      options_.disk_bound != 0 &&
      committer_.budget().measure() > options_.disk_bound / 4 * thorough_above_quarters;
  auto& erased = retention_.erased();
  if (!erased.empty()) {
    CLOUDFLOW_TRY(disk_->reclaim(erased, is_tight));
    if (is_tight) erased.clear();
  }
  done.value().disk_bytes = committer_.budget().measure();
  return done;
}

result<void> embedded_log::forget_group(std::string_view group) {
  CLOUDFLOW_TRY(check_writable());
  const auto topics = topics_->all();
  for (const auto* topic : topics)
    if (topic->has_member(group))
      return error{errc::in_use, fmt::format("Group {} reads topic {}. Close its consumer first.",
                                             group, topic->spec().name)};
  byte_writer prefix;
  prefix.put_text(group);
  write_set changes;
  auto scanned = disk_->scan(family::positions, prefix.view(), [&](std::string_view key, auto) {
    if (!key.starts_with(prefix.view())) return false;
    changes.erase(family::positions, key);
    return true;
  });
  if (!scanned) return scanned;
  CLOUDFLOW_TRY(committer_.write_alone(changes));
  for (auto* topic : topics) topic->forget_reader(group);
  return {};
}

}  // namespace

result<std::unique_ptr<log>> open(const options& wanted, const clock& time) {
  std::unique_ptr<topic_table> topics;
  auto disk = CLOUDFLOW_TRY(storage::open(wanted, [&](const storage& reading) -> result<void> {
    auto found = recover(reading, wanted);
    if (!found) return std::move(found).error();
    topics = std::move(found).value();
    return {};
  }));
  return std::unique_ptr<log>{
      std::make_unique<embedded_log>(wanted, std::move(disk), std::move(topics), time)};
}

}  // namespace cloudflow::pubsub::embedded
