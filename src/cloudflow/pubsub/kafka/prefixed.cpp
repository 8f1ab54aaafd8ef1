#include "cloudflow/pubsub/kafka/prefixed.hpp"

#include <list>

namespace cloudflow::pubsub::kafka {

namespace {

class prefixed_consumer final : public consumer {
public:
  prefixed_consumer(std::unique_ptr<consumer> inner, std::string prefix)
    : inner_(std::move(inner)), prefix_(std::move(prefix)) {}

  result<std::vector<assignment>> poll_assignments() override {
    auto changes = inner_->poll_assignments();
    if (changes)
      for (auto& change : changes.value()) change.source.topic.erase(0, prefix_.size());
    return changes;
  }
  result<record_batch> fetch(const topic_partition& source, fetch_limits limits) override {
    return inner_->fetch(real(source), limits);
  }
  result<void> seek(const topic_partition& source, record_offset next) override {
    return inner_->seek(real(source), next);
  }
  result<record_offset> end_offset(const topic_partition& source) const override {
    return inner_->end_offset(real(source));
  }
  void release(const topic_partition& source) override { inner_->release(real(source)); }
  bool has_joined() const override { return inner_->has_joined(); }
  std::string why_not_joined() const override { return inner_->why_not_joined(); }

private:
  topic_partition real(const topic_partition& source) const {
    return {prefix_ + source.topic, source.partition};
  }

  const std::unique_ptr<consumer> inner_;
  const std::string prefix_;
};

class prefixed_producer final : public producer {
public:
  prefixed_producer(std::unique_ptr<producer> inner, std::string prefix)
    : inner_(std::move(inner)), prefix_(std::move(prefix)) {}

  result<void> commit(const transaction& changes) override { return inner_->commit(real(changes)); }
  void begin(const transaction& changes) override { inner_->begin(real(changes)); }
  std::optional<result<void>> outcome() override { return inner_->outcome(); }
  std::string trouble() const override { return inner_->trouble(); }

private:
  /// Stays until the next call, as what a transaction borrows has to.
  const transaction& real(const transaction& changes) {
    names_.clear();
    real_ = changes;
    for (auto& output : real_.outputs) output.topic = real(output.topic);
    for (auto& position : real_.positions) {
      position.group = real(position.group);
      position.topic = real(position.topic);
    }
    return real_;
  }
  std::string_view real(std::string_view name) {
    return names_.emplace_back(prefix_ + std::string{name});
  }

  const std::unique_ptr<producer> inner_;
  const std::string prefix_;
  std::list<std::string> names_;
  transaction real_;
};

}  // namespace

std::string prefixed_backend::with_prefix(std::string_view name) const {
  constexpr std::size_t longest = 249;
  if (name.empty() || name == "." || name == "..") return std::string{name};
  // The longest name stays one.
  return prefix_ + std::string{name.size() == longest ? name.substr(prefix_.size()) : name};
}

topic_partition prefixed_backend::with_prefix(const topic_partition& source) const {
  return {with_prefix(source.topic), source.partition};
}

topic_info prefixed_backend::without_prefix(topic_info info) const {
  info.spec.name.erase(0, prefix_.size());
  return info;
}

result<topic_info> prefixed_backend::ensure_topic(const topic_spec& wanted) {
  auto real = wanted;
  real.name = with_prefix(wanted.name);
  return inner_->ensure_topic(real).map(
      [this](topic_info info) { return without_prefix(std::move(info)); });
}

result<std::vector<topic_info>> prefixed_backend::topics() const {
  auto all = inner_->topics();
  if (all)
    for (auto& info : all.value()) info = without_prefix(std::move(info));
  return all;
}

result<topic_info> prefixed_backend::topic(std::string_view name) const {
  return inner_->topic(with_prefix(name)).map([this](topic_info info) {
    return without_prefix(std::move(info));
  });
}

result<std::unique_ptr<producer>> prefixed_backend::open_producer(const producer_options& wanted) {
  auto real = wanted;
  real.transactional_id = with_prefix(wanted.transactional_id);
  auto opened = inner_->open_producer(real);
  if (!opened) return opened;
  return std::make_unique<prefixed_producer>(std::move(opened).value(), prefix_);
}

result<std::unique_ptr<consumer>> prefixed_backend::open_consumer(const consumer_options& wanted) {
  auto real = wanted;
  real.group = with_prefix(wanted.group);
  for (auto& topic : real.topics) topic = with_prefix(topic);
  auto opened = inner_->open_consumer(real);
  if (!opened) return opened;
  return std::make_unique<prefixed_consumer>(std::move(opened).value(), prefix_);
}

result<record_batch> prefixed_backend::read(const topic_partition& source, record_offset from,
                                            fetch_limits limits) const {
  return inner_->read(with_prefix(source), from, limits);
}

result<std::optional<record_offset>> prefixed_backend::position(
    std::string_view group, const topic_partition& source) const {
  return inner_->position(with_prefix(group), with_prefix(source));
}

result<bool> prefixed_backend::has_members(std::string_view group) const {
  return inner_->has_members(with_prefix(group));
}

result<record_offset> prefixed_backend::offset_at(const topic_partition& source,
                                                  timestamp at) const {
  return inner_->offset_at(with_prefix(source), at);
}

}  // namespace cloudflow::pubsub::kafka
