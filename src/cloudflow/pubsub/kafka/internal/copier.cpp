#include "cloudflow/pubsub/kafka/internal/copier.hpp"

#include "cloudflow/pubsub/kafka/internal/connection.hpp"
#include "cloudflow/pubsub/kafka/internal/pause.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace cloudflow::pubsub::kafka {
namespace {

using std::chrono::milliseconds;

constexpr fetch_limits page{.max_records = 50'000, .max_bytes = 4 * 1024 * 1024};
/// While a transaction is open.
constexpr milliseconds between_looks{50};
constexpr milliseconds default_retention_of_removals = std::chrono::hours{24};

milliseconds retention_of_removals(const topic_properties& of) {
  const auto found = of.find("delete.retention.ms");
  if (found == of.end()) return default_retention_of_removals;
  const auto& text = found->second.value;
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return milliseconds{value};
}

}  // namespace

result<copy_mark> copier::bring(const task_id& task, const std::string& topic,
                                const std::stop_token& stop) {
  const auto facts = CLOUDFLOW_TRY(requests_.describe(topic));
  const topic_partition source{topic, task.partition};
  const std::array asked{source};
  const auto first = CLOUDFLOW_TRY(requests_.offsets(asked, offset_of::first));
  const auto end = CLOUDFLOW_TRY(requests_.offsets(asked, offset_of::end));
  auto mark = usable_copy(task, facts, {first.front(), end.front()});
  if (!mark) return mark;
  while (mark->next < end.front()) {
    if (stop.stop_requested())
      return pubsub::error{errc::unavailable, "reading of " + to_string(source) + " was stopped"};
    const auto batch = CLOUDFLOW_TRY(records_.read(source, mark->next, page));
    if (!batch.next())
      pause(stop, between_looks);
    else
      CLOUDFLOW_TRY(take_over(task, *mark, batch));
  }
  return mark;
}

result<copy_mark> copier::usable_copy(const task_id& task, const topic_facts& topic,
                                      partition_range range) {
  auto known = CLOUDFLOW_TRY(local_.mark(task));
  if (known) {
    const auto usable = CLOUDFLOW_TRY(is_usable(*known, topic, range));
    if (usable) return *std::move(known);
    session_.log().info("{}/{}: the copy of this state is too old; it is read anew", topic.name,
                        task.partition.value());
  }
  CLOUDFLOW_TRY(local_.wipe(task));
  return copy_mark{topic.id, range.first, session_.time().now(), {}};
}

result<bool> copier::is_usable(const copy_mark& mark, const topic_facts& topic,
                               partition_range range) const {
  if (mark.topic_id != topic.id || mark.next < range.first || range.end < mark.next) return false;
  const std::array names{topic.name};
  const auto properties = CLOUDFLOW_TRY(requests_.properties(names));
  // Negative: the clock has been set back, and nobody knows how old the copy is.
  const auto age = session_.time().now() - mark.touched;
  return age.count() >= 0 && age < retention_of_removals(properties.front()) / 2;
}

result<void> copier::take_over(const task_id& task, copy_mark& mark, const record_batch& batch) {
  std::vector<state_change> changes;
  changes.reserve(batch.records().size());
  for (const auto& record : batch.records()) {
    const auto entry = read_entry(record.key, record.value);
    if (!entry)
      return pubsub::error{errc::failed,
                           fmt::format("offset {} of the changelog of {}, partition {}, is no "
                                       "change of state. Who else writes to it?",
                                       record.offset.value(), task.owner, task.partition.value())};
    mark.add_store(entry->store);
    changes.push_back({entry->store, task.partition, entry->key, entry->value});
  }
  mark.next = *batch.next();
  mark.touched = session_.time().now();
  const local_state::change change{task, mark};
  return local_.apply(changes, {&change, 1});
}

}  // namespace cloudflow::pubsub::kafka
