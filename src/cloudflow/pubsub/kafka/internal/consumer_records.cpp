// What a member of a group reads of the partitions that it has.
#include "cloudflow/pubsub/kafka/internal/consumer.hpp"

#include <fmt/format.h>

namespace cloudflow::pubsub::kafka {
namespace {

constexpr int patience_for_seek_ms = 5000;

}  // namespace

const group_consumer::partition* group_consumer::find(const topic_partition& source) const {
  const auto at = partitions_.find(source);
  return at == partitions_.end() || !at->second.is_known ? nullptr : &at->second;
}

result<record_batch> group_consumer::fetch(const topic_partition& source, fetch_limits limits) {
  const auto* at = find(source);
  if (at == nullptr) return not_assigned(source);
  return at->reader->fetch(limits);
}

result<void> group_consumer::seek(const topic_partition& source, record_offset next) {
  const auto* at = find(source);
  if (at == nullptr) return not_assigned(source);
  if (at->reader->refuse(next)) return {};  // fetch() says why
  auto moved = move_fetching(*client_, source, next, patience_for_seek_ms);
  // A rebalance that pauses the partition at the same time, or an error that has ended its
  // fetching, is in the way.
  if (!moved && moved.error().is_retriable()) moved = assign_anew(source, next);
  // Without having moved it would go on where it is, and what lies between would be lost.
  if (moved)
    at->reader->start(next);
  else
    at->reader->stop(moved.error());
  return moved;
}

result<void> group_consumer::assign_anew(const topic_partition& source, record_offset next) const {
  const auto list = list_of({source});
  list->elems[0].offset = next.value();
  if (auto done = move_fetching(*client_, source, next, patience_for_seek_ms)) return done;
  if (!is_cooperative()) return move_fetching(*client_, source, next, patience_for_seek_ms);
  CLOUDFLOW_TRY(unassign(*list));
  return assign(*list);
}

result<record_offset> group_consumer::end_offset(const topic_partition& source) const {
  const auto* at = find(source);
  if (at == nullptr) return not_assigned(source);
  return at->reader->end();
}

pubsub::error group_consumer::not_assigned(const topic_partition& source) const {
  return {errc::failed, fmt::format("{} is not assigned to this consumer of group \"{}\".",
                                    to_string(source), wanted_.group)};
}

}  // namespace cloudflow::pubsub::kafka
