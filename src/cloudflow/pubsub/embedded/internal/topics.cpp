#include "cloudflow/pubsub/embedded/internal/topics.hpp"

#include <algorithm>
#include <charconv>

namespace cloudflow::pubsub::embedded {

// -- partition_log --------------------------------------------------------------------------------

void partition_log::recover(log_place first, log_place end) {
  const std::lock_guard lock{mutex_};
  first_ = first;
  end_ = end;
  tail_.clear();
}

log_place partition_log::first() const {
  const std::lock_guard lock{mutex_};
  return first_;
}

log_place partition_log::end() const {
  const std::lock_guard lock{mutex_};
  return end_;
}

partition_range partition_log::range() const {
  const std::lock_guard lock{mutex_};
  return {first_.offset, end_.offset};
}

std::uint64_t partition_log::stored_bytes() const {
  const std::lock_guard lock{mutex_};
  return end_.bytes - first_.bytes;
}

void partition_log::publish(const batch_ptr& batch) {
  const std::lock_guard lock{mutex_};
  tail_.push_back(batch);
  end_ = {batch->end(), end_.bytes + batch->bytes().size(), batch->header().latest};
}

void partition_log::shrink_tail() {
  const std::lock_guard lock{mutex_};
  if (!tail_.empty()) tail_.pop_front();
}

void partition_log::from_tail(record_offset from, std::size_t max_bytes,
                              std::deque<batch_ptr>& out) const {
  const std::lock_guard lock{mutex_};
  if (tail_.empty() || from < tail_.front()->base()) return;
  auto at = std::upper_bound(tail_.begin(), tail_.end(), from,
                             [](record_offset o, const batch_ptr& b) { return o < b->end(); });
  for (std::size_t bytes = 0; at != tail_.end() && bytes < max_bytes; ++at) {
    out.push_back(*at);
    bytes += (*at)->bytes().size();
  }
}

void partition_log::note_reader(std::string_view group, record_offset next) {
  const std::lock_guard lock{mutex_};
  readers_.insert_or_assign(std::string{group}, known_reader{next, true});
}

void partition_log::expect_reader(std::string_view group) {
  const std::lock_guard lock{mutex_};
  if (readers_.find(group) == readers_.end())
    readers_.emplace(group, known_reader{first_.offset, false});
}

record_offset partition_log::open_reader(std::string_view group, consumer_options::start start) {
  const std::lock_guard lock{mutex_};
  auto& known = readers_[std::string{group}];
  if (!known.has_started)
    known.next = start == consumer_options::start::latest ? end_.offset : first_.offset;
  known.has_started = true;
  return known.next;
}

void partition_log::forget_reader(std::string_view group) {
  const std::lock_guard lock{mutex_};
  if (const auto found = readers_.find(group); found != readers_.end()) readers_.erase(found);
}

std::optional<partition_log::reader> partition_log::slowest_reader() const {
  const std::lock_guard lock{mutex_};
  const auto oldest =
      std::min_element(readers_.begin(), readers_.end(),
                       [](const auto& a, const auto& b) { return a.second.next < b.second.next; });
  if (oldest == readers_.end()) return {};
  return reader{oldest->first, oldest->second.next};
}

bool partition_log::advance_first(log_place wanted) {
  const std::lock_guard lock{mutex_};
  const auto is_needed = [&](const auto& known) { return known.second.next < wanted.offset; };
  if (std::any_of(readers_.begin(), readers_.end(), is_needed)) return false;
  first_ = wanted;
  return true;
}

// -- waker ----------------------------------------------------------------------------------------

void waker::wake() {
  const std::lock_guard lock{mutex_};
  if (call_) call_();
}

void waker::close() {
  const std::lock_guard lock{mutex_};
  call_ = nullptr;
}

// -- topic_state ----------------------------------------------------------------------------------

topic_state::topic_state(std::uint32_t id, topic_spec spec, topic_rules rules)
  : id_(id), spec_(std::move(spec)), rules_(rules) {
  for (std::int32_t i = 0; i != spec_.partitions; ++i)
    partitions_.push_back(
        std::make_unique<partition_log>(spec_.name, partition_key{id_, partition_id{i}}));
}

topic_spec topic_state::spec() const {
  const std::lock_guard lock{mutex_};
  return spec_;
}

topic_rules topic_state::rules() const {
  const std::lock_guard lock{mutex_};
  return rules_;
}

topic_info topic_state::info() const {
  topic_info info{.spec = spec(), .partitions = {}};
  // As a broker does: who writes has to know the limit also where it is the default.
  info.spec.properties.try_emplace("max.message.bytes", std::to_string(rules().max_record));
  for (const auto& partition : partitions_) info.partitions.push_back(partition->range());
  return info;
}

void topic_state::change(topic_spec spec, topic_rules rules) {
  const std::lock_guard lock{mutex_};
  spec_ = std::move(spec);
  rules_ = rules;
}

void topic_state::note_reader(std::string_view group, partition_id partition, record_offset next) {
  for (const auto& each : partitions_)
    if (each->key().partition != partition) each->expect_reader(group);
  this->partition(partition).note_reader(group, next);
}

void topic_state::forget_reader(std::string_view group) {
  for (const auto& partition : partitions_) partition->forget_reader(group);
}

bool topic_state::add_member(const std::string& group, std::shared_ptr<waker> wake) {
  const std::lock_guard lock{mutex_};
  return members_.emplace(group, std::move(wake)).second;
}

void topic_state::remove_member(const std::string& group) {
  const std::lock_guard lock{mutex_};
  members_.erase(group);
}

bool topic_state::has_member(std::string_view group) const {
  const std::lock_guard lock{mutex_};
  return members_.find(group) != members_.end();
}

void topic_state::wake_members() const {
  std::vector<std::shared_ptr<waker>> all;
  {
    const std::lock_guard lock{mutex_};
    for (const auto& [group, wake] : members_) all.push_back(wake);
  }
  for (const auto& each : all) each->wake();
}

// -- topic_table ----------------------------------------------------------------------------------

topic_state* topic_table::find(std::string_view name) const {
  const std::shared_lock lock{mutex_};
  const auto found = topics_.find(name);
  return found == topics_.end() ? nullptr : found->second.get();
}

topic_state& topic_table::add(std::unique_ptr<topic_state> topic, const std::string& name) {
  const std::lock_guard lock{mutex_};
  return *topics_.emplace(name, std::move(topic)).first->second;
}

std::vector<topic_state*> topic_table::all() const {
  const std::shared_lock lock{mutex_};
  std::vector<topic_state*> all;
  for (const auto& [name, topic] : topics_) all.push_back(topic.get());
  return all;
}

partition_log* topic_table::partition_of_split(std::string_view split, topic_state*& topic) const {
  const auto slash = split.rfind('/');
  if (slash == std::string_view::npos) return nullptr;
  topic = find(split.substr(0, slash));
  const auto digits = split.substr(slash + 1);
  std::int32_t number = -1;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool is_number = parsed.ec == std::errc{} && parsed.ptr == digits.data() + digits.size();
  if (topic == nullptr || !is_number || !topic->has(partition_id{number})) return nullptr;
  return &topic->partition(partition_id{number});
}

}  // namespace cloudflow::pubsub::embedded
