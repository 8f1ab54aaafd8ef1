#include "cloudflow/pubsub/routed_log.hpp"

#include <algorithm>

namespace cloudflow::pubsub {

namespace {

backend& log_of_state(const routes& where, std::string_view store, std::string_view key) {
  return where.of_streamlet(owner_of(belongs_to_no_task(store) ? key : store));
}

/// Commits in parts, one log after the other.
class routed_producer final : public producer {
public:
  routed_producer(const routes& where, const producer_options& options)
    : where_(&where), options_(options) {}

  result<void> commit(const transaction& changes) override {
    split(changes);
    for (auto* p : parts_) {
      CLOUDFLOW_TRY(open(*p));
      CLOUDFLOW_TRY(p->to->commit(p->changes));
    }
    return {};
  }

  void begin(const transaction& changes) override {
    split(changes);
    next_ = 0;
    begin_next();
  }

  std::optional<result<void>> outcome() override {
    if (failure_) return *std::exchange(failure_, std::nullopt);
    while (next_ != parts_.size()) {
      auto done = parts_[next_]->to->outcome();
      if (!done || !*done) return done;
      ++next_;
      begin_next();
      if (failure_) return *std::exchange(failure_, std::nullopt);
    }
    return result<void>{};
  }

  std::string trouble() const override {
    for (const auto& [log, p] : by_log_)
      if (auto said = p.to ? p.to->trouble() : std::string{}; !said.empty()) return said;
    return {};
  }

private:
  struct part {
    std::unique_ptr<producer> to;
    transaction changes;
    bool is_last() const noexcept { return !changes.state.empty() || !changes.positions.empty(); }
  };

  /// What is only written goes before state and positions.
  void split(const transaction& changes) {
    for (auto& [log, p] : by_log_) p.changes.clear();
    for (const auto& o : changes.outputs)
      by_log_[&where_->of_topic(o.topic)].changes.outputs.push_back(o);
    for (const auto& s : changes.state)
      by_log_[&log_of_state(*where_, s.store, s.key)].changes.state.push_back(s);
    for (const auto& p : changes.positions)
      by_log_[&where_->of_topic(p.topic)].changes.positions.push_back(p);
    parts_.clear();
    for (auto& [log, p] : by_log_)
      if (!p.changes.empty()) parts_.push_back(&p);
    std::stable_partition(parts_.begin(), parts_.end(),
                          [](const part* p) { return !p->is_last(); });
  }

  result<void> open(part& p) {
    if (options_.delivery == guarantee::exactly_once && parts_.size() > 1)
      return error{errc::unsupported,
                   "A transaction over several logs cannot be exactly-once. Set delivery to "
                   "at-least-once, or put the topics on one cluster."};
    if (p.to) return {};
    const auto log = std::find_if(by_log_.begin(), by_log_.end(),
                                  [&](const auto& each) { return &each.second == &p; });
    p.to = CLOUDFLOW_TRY(log->first->open_producer(options_));
    return {};
  }

  void begin_next() {
    if (next_ == parts_.size()) return;
    auto& p = *parts_[next_];
    if (auto opened = open(p); !opened)
      failure_ = std::move(opened);
    else
      p.to->begin(p.changes);
  }

  const routes* where_;
  const producer_options options_;
  std::map<backend*, part> by_log_;
  std::vector<part*> parts_;  ///< of the commit under way, in their order
  std::size_t next_ = 0;      ///< the part that is being committed
  std::optional<result<void>> failure_;
};

}  // namespace

backend& routes::of_topic(std::string_view name) const {
  const auto found = topics.find(name);
  return found == topics.end() ? *logs.front() : *found->second;
}

backend& routes::of_streamlet(std::string_view name) const {
  const auto found = streamlets.find(name);
  return found == streamlets.end() ? *logs.front() : *found->second;
}

// -- routed_log -----------------------------------------------------------------------------------

routed_log::routed_log(routes where) : where_(std::move(where)), schemas_(where_), state_(where_) {}

result<topic_info> routed_log::ensure_topic(const topic_spec& wanted) {
  return where_.of_topic(wanted.name).ensure_topic(wanted);
}

result<std::vector<topic_info>> routed_log::topics() const {
  std::vector<topic_info> all;
  for (const auto* log : where_.logs) {
    auto some = log->topics();
    if (!some) return some;
    std::move(some->begin(), some->end(), std::back_inserter(all));
  }
  return all;
}

result<topic_info> routed_log::topic(std::string_view name) const {
  return where_.of_topic(name).topic(name);
}

result<std::unique_ptr<producer>> routed_log::open_producer(const producer_options& options) {
  return std::unique_ptr<producer>{std::make_unique<routed_producer>(where_, options)};
}

result<std::unique_ptr<consumer>> routed_log::open_consumer(const consumer_options& options) {
  const auto first = options.topics.empty() ? std::string{} : options.topics.front();
  return where_.of_topic(first).open_consumer(options);
}

result<record_batch> routed_log::read(const topic_partition& source, record_offset from,
                                      fetch_limits limits) const {
  return where_.of_topic(source.topic).read(source, from, limits);
}

result<record_offset> routed_log::offset_at(const topic_partition& source, timestamp at) const {
  return where_.of_topic(source.topic).offset_at(source, at);
}

void routed_log::ask_end(const topic_partition& of,
                         const std::function<void(const result<record_offset>&)>& then) {
  where_.of_topic(of.topic).ask_end(of, then);
}

void routed_log::forget_before(const topic_partition& of, record_offset needed) {
  where_.of_topic(of.topic).forget_before(of, needed);
}

result<std::optional<record_offset>> routed_log::position(std::string_view group,
                                                          const topic_partition& source) const {
  return where_.of_topic(source.topic).position(group, source);
}

result<bool> routed_log::has_members(std::string_view group) const {
  for (const auto* log : where_.logs) {
    auto found = log->has_members(group);
    if (!found || *found) return found;
  }
  return false;
}

result<void> routed_log::ensure_state(std::string_view owner, std::int32_t partitions) {
  return where_.of_streamlet(owner).ensure_state(owner, partitions);
}

result<bool> routed_log::restore(std::string_view owner, partition_id partition,
                                 const std::function<void()>& on_ready) {
  return where_.of_streamlet(owner).restore(owner, partition, on_ready);
}

void routed_log::give_up(std::string_view owner, partition_id partition) {
  where_.of_streamlet(owner).give_up(owner, partition);
}

// -- schemas and state ----------------------------------------------------------------------------

result<void> routed_log::all_schemas::put(std::string_view fingerprint, std::string_view text) {
  for (auto* log : where_->logs) CLOUDFLOW_TRY(log->schemas().put(fingerprint, text));
  return {};
}

result<std::optional<std::string>> routed_log::all_schemas::find(
    std::string_view fingerprint_prefix) const {
  for (auto* log : where_->logs) {
    auto found = log->schemas().find(fingerprint_prefix);
    if (!found || *found) return found;
  }
  return std::optional<std::string>{};
}

result<std::optional<std::string>> routed_log::all_state::find(std::string_view store,
                                                               partition_id partition,
                                                               std::string_view key) const {
  return log_of_state(*where_, store, key).state().find(store, partition, key);
}

result<void> routed_log::all_state::scan(
    std::string_view store, partition_id partition, std::string_view prefix,
    const std::function<bool(std::string_view key, std::string_view value)>& f) const {
  if (!belongs_to_no_task(store))
    return log_of_state(*where_, store, {}).state().scan(store, partition, prefix, f);
  bool goes_on = true;
  const auto look = [&](std::string_view key, std::string_view value) {
    return goes_on = f(key, value);
  };
  for (auto* log : where_->logs) {
    if (!goes_on) break;
    CLOUDFLOW_TRY(log->state().scan(store, partition, prefix, look));
  }
  return {};
}

}  // namespace cloudflow::pubsub
