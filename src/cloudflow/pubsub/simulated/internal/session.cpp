#include "cloudflow/pubsub/at_once.hpp"
#include "cloudflow/pubsub/simulated/internal/broker.hpp"

#include <fmt/format.h>

#include <utility>

namespace cloudflow::pubsub::simulated {
namespace {

using guard = std::lock_guard<std::mutex>;

error out_of_range(const topic_partition& source, record_offset wanted, const partition_log& log) {
  return {errc::offset_out_of_range,
          fmt::format("{} has no offset {}, only {} to {}.", to_string(source), wanted.value(),
                      log.first().value(), log.end().value())};
}

result<record_batch> read_from(const broker& at, const topic_partition& source, record_offset from,
                               fetch_limits limits, bool stops_at_last) {
  const auto* log = at.all_topics.find(source);
  if (log == nullptr) return no_such_topic(fmt::format("partition {}", to_string(source)));
  if (from < log->first() || from > log->end()) return out_of_range(source, from, *log);
  return log->read(from, limits, stops_at_last);
}

// -- consumer -------------------------------------------------------------------------------------

class group_consumer final : public consumer {
public:
  group_consumer(std::shared_ptr<broker> at, std::shared_ptr<member> m)
    : at_(std::move(at)), member_(std::move(m)) {}
  ~group_consumer() override {
    const guard lock{at_->mutex};
    at_->groups.close(member_, !member_->of->is_silent);
  }

  result<std::vector<assignment>> poll_assignments() override {
    const guard lock{at_->mutex};
    at_->all_commits.look_at_orphans();
    return at_->groups.poll(member_);
  }
  result<record_batch> fetch(const topic_partition& source, fetch_limits limits) override {
    const guard lock{at_->mutex};
    auto* h = find(source);
    if (h == nullptr) return not_assigned(source);
    auto& around = at_->around;
    if (h->is == member::phase::leaving || around.happens(around.now.empty_takes))
      return record_batch{};
    if (around.happens(around.now.short_takes)) limits.max_records = 1;
    const bool stops_at_last = around.now.leaves_marks && around.happens(500);
    auto batch = read_from(*at_, source, h->next, limits, stops_at_last);
    if (batch) h->next = batch->next().value_or(h->next);
    return batch;
  }
  result<void> seek(const topic_partition& source, record_offset next) override {
    const guard lock{at_->mutex};
    auto* h = find(source);
    if (h == nullptr) return not_assigned(source);
    h->next = next;
    return {};
  }
  result<record_offset> end_offset(const topic_partition& source) const override {
    const guard lock{at_->mutex};
    const auto* log = at_->all_topics.find(source);
    if (log == nullptr || find(source) == nullptr) return not_assigned(source);
    return log->end();
  }
  void release(const topic_partition& source) override {
    const guard lock{at_->mutex};
    at_->groups.release(member_, source);
  }
  bool has_joined() const override {
    const guard lock{at_->mutex};
    return member_->has_joined;
  }
  std::string why_not_joined() const override {
    return has_joined() ? "" : "the group is being rebalanced";
  }

private:
  member::holding* find(const topic_partition& source) const {
    const auto h = member_->holdings.find(source);
    if (h == member_->holdings.end()) return nullptr;
    const bool is_its_own =
        h->second.is == member::phase::owned || h->second.is == member::phase::leaving;
    return is_its_own ? &h->second : nullptr;
  }
  error not_assigned(const topic_partition& source) const {
    return {errc::failed, fmt::format("{} is not assigned to this consumer of group {}.",
                                      to_string(source), member_->wanted.group)};
  }

  std::shared_ptr<broker> at_;
  std::shared_ptr<member> member_;
};

// -- producer -------------------------------------------------------------------------------------

class transactional_producer final : public producer {
public:
  transactional_producer(std::shared_ptr<broker> at, std::shared_ptr<process> by,
                         producer_options how, int epoch)
    : at_(std::move(at)), by_(std::move(by)), how_(std::move(how)), epoch_(epoch) {}
  ~transactional_producer() override {
    const guard lock{at_->mutex};
    if (begun_) at_->all_commits.give_up(*begun_);
  }

  result<void> commit(const transaction& changes) override {
    const guard lock{at_->mutex};
    return at_->all_commits.begin(by_, how_, epoch_, changes, false)->outcome;
  }
  void begin(const transaction& changes) override {
    const guard lock{at_->mutex};
    if (begun_) at_->around.violations.emplace_back("a commit is begun before the last has ended");
    borrowed_ = &changes;
    begun_ = at_->all_commits.begin(by_, how_, epoch_, changes, true);
  }
  std::optional<result<void>> outcome() override {
    const guard lock{at_->mutex};
    if (!begun_) return {};
    at_->all_commits.look_at_orphans();
    at_->all_commits.look(*begun_);
    if (!begun_->is_answered()) {
      // Who waits for it comes back at once: what takes time here is counted in looks.
      if (how_.on_outcome && !at_->around.now.holds_commits) how_.on_outcome();
      return {};
    }
    if (!is_untouched(*begun_, *borrowed_))
      at_->around.violations.emplace_back("what a commit borrows was changed while it went on");
    return std::exchange(begun_, nullptr)->outcome;
  }
  std::string trouble() const override { return {}; }

private:
  std::shared_ptr<broker> at_;
  std::shared_ptr<process> by_;
  producer_options how_;
  int epoch_;
  std::shared_ptr<begun_commit> begun_;
  const transaction* borrowed_ = nullptr;
};

// -- session --------------------------------------------------------------------------------------

class broker_session final : public session, private schema_store, private state_reader {
public:
  explicit broker_session(std::shared_ptr<broker> at)
    : at_(std::move(at)), process_(std::make_shared<process>()) {}
  ~broker_session() override {
    const guard lock{at_->mutex};
    at_->state.forget(*process_);
  }

  void hang() override {
    const guard lock{at_->mutex};
    process_->is_silent = true;
    process_->silent_since = at_->around.time->monotonic();
  }
  void wake_up() override {
    const guard lock{at_->mutex};
    process_->is_silent = false;
  }
  void crash() override { hang(); }
  bool has_open_transaction() const override {
    const guard lock{at_->mutex};
    return at_->all_commits.has_open_transaction(*process_);
  }

  result<topic_info> ensure_topic(const topic_spec& wanted) override {
    const guard lock{at_->mutex};
    return at_->all_topics.ensure(wanted);
  }
  result<std::vector<topic_info>> topics() const override {
    const guard lock{at_->mutex};
    return at_->all_topics.all();
  }
  result<topic_info> topic(std::string_view name) const override {
    const guard lock{at_->mutex};
    return at_->all_topics.describe(name);
  }

  result<std::unique_ptr<producer>> open_producer(const producer_options& options) override {
    const guard lock{at_->mutex};
    if (at_->around.happens(at_->around.now.failing_producers))
      return error{errc::unavailable, "No coordinator answers now."};
    return std::unique_ptr<producer>{std::make_unique<transactional_producer>(
        at_, process_, options, at_->all_commits.open_epoch(options))};
  }
  result<std::unique_ptr<consumer>> open_consumer(const consumer_options& options) override {
    const guard lock{at_->mutex};
    for (const auto& name : options.topics) CLOUDFLOW_TRY(at_->all_topics.describe(name));
    auto m = std::make_shared<member>();
    m->of = process_;
    m->wanted = options;
    at_->groups.open(m);
    return std::unique_ptr<consumer>{std::make_unique<group_consumer>(at_, std::move(m))};
  }
  result<record_batch> read(const topic_partition& source, record_offset from,
                            fetch_limits limits) const override {
    const guard lock{at_->mutex};
    at_->all_commits.look_at_orphans();
    return read_from(*at_, source, from, limits, false);
  }
  result<std::optional<record_offset>> position(std::string_view group,
                                                const topic_partition& source) const override {
    const guard lock{at_->mutex};
    at_->all_commits.look_at_orphans();
    if (at_->all_commits.is_pending(group, source))
      return error{errc::unavailable, "A transaction may move the position."};
    return at_->all_commits.position(group, source);
  }
  result<bool> has_members(std::string_view group) const override {
    const guard lock{at_->mutex};
    return at_->groups.has_members(group);
  }
  result<record_offset> offset_at(const topic_partition& source, timestamp at) const override {
    const guard lock{at_->mutex};
    const auto* log = at_->all_topics.find(source);
    if (log == nullptr) return no_such_topic(fmt::format("partition {}", to_string(source)));
    return log->offset_at(at);
  }
  void ask_end(const topic_partition& of,
               const std::function<void(const result<record_offset>&)>& then) override {
    tell_end(*this, of, then);
  }
  void forget_before(const topic_partition& of, record_offset needed) override {
    const guard lock{at_->mutex};
    if (auto* log = at_->all_topics.find(of)) log->forget_before(needed);
  }
  schema_store& schemas() override { return *this; }

  result<void> ensure_state(std::string_view owner, std::int32_t partitions) override {
    const guard lock{at_->mutex};
    return at_->state.ensure(owner, partitions);
  }
  result<bool> restore(std::string_view owner, partition_id partition,
                       const std::function<void()>&) override {
    const guard lock{at_->mutex};
    at_->all_commits.look_at_orphans();
    const stores::task_key task{owner, partition.value()};
    return at_->state.restore(*process_, task, at_->all_commits.has_open_state(task));
  }
  void give_up(std::string_view owner, partition_id partition) override {
    const guard lock{at_->mutex};
    at_->state.give_up(*process_, {std::string{owner}, partition.value()});
  }
  const state_reader& state() const override { return *this; }

private:
  // -- schema_store ---

  result<void> put(std::string_view fingerprint, std::string_view text) override {
    const guard lock{at_->mutex};
    at_->schemas.emplace(fingerprint, text);
    return {};
  }
  result<std::optional<std::string>> find(std::string_view fingerprint_prefix) const override {
    const guard lock{at_->mutex};
    const auto found = at_->schemas.lower_bound(fingerprint_prefix);
    if (found == at_->schemas.end() || !found->first.starts_with(fingerprint_prefix))
      return std::optional<std::string>{};
    return std::optional{found->second};
  }

  // -- state_reader ---

  result<std::optional<std::string>> find(std::string_view store, partition_id partition,
                                          std::string_view key) const override {
    const guard lock{at_->mutex};
    const auto* values = at_->state.seen(*process_, store, partition);
    if (values == nullptr) return not_restored(store, partition);
    const auto found = values->find(key);
    if (found == values->end()) return std::optional<std::string>{};
    return std::optional{found->second};
  }
  result<void> scan(
      std::string_view store, partition_id partition, std::string_view prefix,
      const std::function<bool(std::string_view key, std::string_view value)>& f) const override {
    std::vector<std::pair<std::string, std::string>> found;
    {
      const guard lock{at_->mutex};
      const auto* values = at_->state.seen(*process_, store, partition);
      if (values == nullptr) return not_restored(store, partition);
      for (auto v = values->lower_bound(prefix); v != values->end() && v->first.starts_with(prefix);
           ++v)
        found.emplace_back(*v);
    }
    for (const auto& [key, value] : found)
      if (!f(key, value)) break;
    return {};
  }
  static error not_restored(std::string_view store, partition_id partition) {
    return {errc::failed,
            fmt::format("Store {} of partition {} is not restored.", store, partition.value())};
  }

  std::shared_ptr<broker> at_;
  std::shared_ptr<process> process_;
};

}  // namespace

std::unique_ptr<session> make_session(std::shared_ptr<broker> at) {
  return std::make_unique<broker_session>(std::move(at));
}

}  // namespace cloudflow::pubsub::simulated
