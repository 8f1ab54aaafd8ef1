#include "cloudflow/runner/bounded_log.hpp"

#include <algorithm>

namespace cloudflow::runner {

namespace {

using pubsub::topic_partition;

/// The records before `end`, and where reading goes on: not behind it.
pubsub::record_batch cut(pubsub::record_batch batch, record_offset end) {
  if (!batch.next() || *batch.next() <= end) return batch;
  const auto all = batch.records();
  const auto last =
      std::find_if(all.begin(), all.end(), [end](const record_view& r) { return r.offset >= end; });
  std::vector<record_view> before{all.begin(), last};
  const auto owner = std::make_shared<const pubsub::record_batch>(std::move(batch));
  return {owner, std::move(before), end};
}

/// A consumer that finds nothing behind the ends.
class bounded_consumer final : public pubsub::consumer {
public:
  bounded_consumer(std::unique_ptr<pubsub::consumer> from, const bounded_log::ends& ends)
    : from_(std::move(from)), ends_(&ends) {}

  pubsub::result<std::vector<pubsub::assignment>> poll_assignments() override {
    auto changes = from_->poll_assignments();
    if (changes)
      for (const auto& c : *changes)
        if (c.what == pubsub::assignment::kind::assigned) next_[c.source] = c.next;
    return changes;
  }
  pubsub::result<pubsub::record_batch> fetch(const topic_partition& source,
                                             pubsub::fetch_limits limits) override {
    const auto end = ends_->find(source);
    if (end == ends_->end()) return from_->fetch(source, limits);
    auto& next = next_[source];
    if (next >= end->second) return pubsub::record_batch{};
    auto batch = from_->fetch(source, limits);
    if (!batch) return batch;
    auto some = cut(std::move(batch).value(), end->second);
    next = some.next().value_or(next);
    return some;
  }
  pubsub::result<void> seek(const topic_partition& source, record_offset next) override {
    next_[source] = next;
    return from_->seek(source, next);
  }
  pubsub::result<record_offset> end_offset(const topic_partition& source) const override {
    auto end = from_->end_offset(source);
    const auto bound = ends_->find(source);
    if (end && bound != ends_->end()) end = std::min(*end, bound->second);
    return end;
  }
  void release(const topic_partition& source) override { from_->release(source); }
  bool has_joined() const override { return from_->has_joined(); }
  std::string why_not_joined() const override { return from_->why_not_joined(); }

private:
  std::unique_ptr<pubsub::consumer> from_;
  const bounded_log::ends* ends_;
  std::map<topic_partition, record_offset> next_;  // where fetch() goes on
};

}  // namespace

// -- what ends earlier ----------------------------------------------------------------------------

void bounded_log::shorten(pubsub::topic_info& info) const {
  for (std::size_t p = 0; p != info.partitions.size(); ++p) {
    const auto bound = ends_.find({info.spec.name, partition_id{static_cast<std::int32_t>(p)}});
    if (bound == ends_.end()) continue;
    auto& range = info.partitions[p];
    range.end = std::min(range.end, std::max(range.first, bound->second));
  }
}

pubsub::result<std::vector<pubsub::topic_info>> bounded_log::topics() const {
  auto all = log_->topics();
  if (all)
    for (auto& info : *all) shorten(info);
  return all;
}

pubsub::result<pubsub::topic_info> bounded_log::topic(std::string_view name) const {
  auto info = log_->topic(name);
  if (info) shorten(*info);
  return info;
}

pubsub::result<std::unique_ptr<pubsub::consumer>> bounded_log::open_consumer(
    const pubsub::consumer_options& options) {
  auto opened = CLOUDFLOW_TRY(log_->open_consumer(options));
  return std::unique_ptr<pubsub::consumer>{
      std::make_unique<bounded_consumer>(std::move(opened), ends_)};
}

pubsub::result<pubsub::record_batch> bounded_log::read(const topic_partition& source,
                                                       record_offset from,
                                                       pubsub::fetch_limits limits) const {
  auto batch = log_->read(source, from, limits);
  const auto bound = ends_.find(source);
  if (!batch || bound == ends_.end()) return batch;
  return cut(std::move(batch).value(), bound->second);
}

void bounded_log::ask_end(const topic_partition& of,
                          const std::function<void(const pubsub::result<record_offset>&)>& then) {
  const auto bound = ends_.find(of);
  if (bound == ends_.end()) return log_->ask_end(of, then);
  log_->ask_end(of, [end = bound->second, then](const pubsub::result<record_offset>& found) {
    then(found ? pubsub::result<record_offset>{std::min(*found, end)} : found);
  });
}

// -- what is passed on ----------------------------------------------------------------------------

pubsub::result<pubsub::topic_info> bounded_log::ensure_topic(const pubsub::topic_spec& wanted) {
  return log_->ensure_topic(wanted);
}

pubsub::result<std::unique_ptr<pubsub::producer>> bounded_log::open_producer(
    const pubsub::producer_options& options) {
  return log_->open_producer(options);
}

pubsub::result<std::optional<record_offset>> bounded_log::position(
    std::string_view group, const topic_partition& source) const {
  return log_->position(group, source);
}

pubsub::result<bool> bounded_log::has_members(std::string_view group) const {
  return log_->has_members(group);
}

pubsub::result<record_offset> bounded_log::offset_at(const topic_partition& source,
                                                     timestamp at) const {
  return log_->offset_at(source, at);
}

void bounded_log::forget_before(const topic_partition& of, record_offset needed) {
  log_->forget_before(of, needed);
}

pubsub::result<void> bounded_log::ensure_state(std::string_view owner, std::int32_t partitions) {
  return log_->ensure_state(owner, partitions);
}

pubsub::result<bool> bounded_log::restore(std::string_view owner, partition_id partition,
                                          const std::function<void()>& on_ready) {
  return log_->restore(owner, partition, on_ready);
}

void bounded_log::give_up(std::string_view owner, partition_id partition) {
  log_->give_up(owner, partition);
}

}  // namespace cloudflow::runner
