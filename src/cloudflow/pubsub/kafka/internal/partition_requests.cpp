#include "cloudflow/pubsub/kafka/internal/partition_requests.hpp"

#include "cloudflow/base/named_thread.hpp"

namespace cloudflow::pubsub::kafka {

void partition_requests::ask_end(const topic_partition& of, const take_end& then) {
  const std::lock_guard lock{mutex_};
  asked_.emplace_back(of, then);
  see_to_it();
}

void partition_requests::forget_before(const topic_partition& of, record_offset needed) {
  const std::lock_guard lock{mutex_};
  needed_.insert_or_assign(of, needed);
  see_to_it();
}

void partition_requests::see_to_it() {
  if (!thread_.joinable())
    thread_ = named_thread("kafka requests", [this](const std::stop_token& stop) { work(stop); });
  changed_.notify_one();
}

void partition_requests::work(const std::stop_token& stop) {
  std::unique_lock lock{mutex_};
  const auto has_work = [this] { return !asked_.empty() || !needed_.empty(); };
  while (changed_.wait(lock, stop, has_work) && !stop.stop_requested()) {
    const auto asked = std::exchange(asked_, {});
    const auto needed = std::exchange(needed_, {});
    lock.unlock();
    answer(asked);
    remove(needed);
    lock.lock();
  }
}

void partition_requests::answer(const questions& asked) const {
  if (asked.empty()) return;
  std::vector<topic_partition> partitions;
  for (const auto& [of, then] : asked) partitions.push_back(of);
  const auto ends = requests_.offsets(partitions, offset_of::committed_end);
  for (std::size_t i = 0; i != asked.size(); ++i)
    asked[i].second(ends ? result<record_offset>{ends.value()[i]}
                         : result<record_offset>{ends.error()});
}

/// What fails is wished again when the partition is further: so it is said once.
void partition_requests::remove(const wishes& needed) {
  if (needed.empty()) return;
  const auto removed = requests_.remove_before(needed);
  if (!removed && !has_said_)
    log_.warn("records that have been processed stay where they are: {}", removed.error().message);
  has_said_ = !removed;
}

}  // namespace cloudflow::pubsub::kafka
