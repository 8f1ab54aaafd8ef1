#include "cloudflow/pubsub/kafka/internal/positions.hpp"

#include "cloudflow/pubsub/kafka/internal/pause.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace cloudflow::pubsub::kafka {
namespace {

constexpr std::chrono::milliseconds step{100};
/// A member of the new generation knows it after one heartbeat.
constexpr int tries_while_group_changes = 50;

error moved_away(const position_change& change) {
  return {errc::rebalanced,
          fmt::format("{}/{} does not belong to this member of group \"{}\" any more.",
                      change.topic, change.partition.value(), change.group)};
}

/// Null without error: nobody is in the group. Brokers would take a position from anybody, in a
/// transaction at least.
result<std::shared_ptr<group_member>> owner(const position_change& change, const groups& members,
                                            const admin& cluster) {
  const auto here = members.members(change.group);
  if (here.empty()) {
    const auto is_read = CLOUDFLOW_TRY(cluster.has_members(std::string{change.group}));
    if (is_read) return moved_away(change);
    return std::shared_ptr<group_member>{};
  }
  const topic_partition source{std::string{change.topic}, change.partition};
  const auto found = std::find_if(here.begin(), here.end(),
                                  [&](const auto& member) { return member->owns(source); });
  if (found == here.end()) return moved_away(change);
  return *found;
}

rd_kafka_resp_err_t first_error(const rd_kafka_topic_partition_list_t& list) {
  for (int i = 0; i != list.cnt; ++i)
    if (list.elems[i].err != RD_KAFKA_RESP_ERR_NO_ERROR) return list.elems[i].err;
  return RD_KAFKA_RESP_ERR_NO_ERROR;
}

struct answer {
  bool is_there = false;
  rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
};

/// One request of the member.
result<void> commit_once(const group_positions& what, const std::stop_token& stop) {
  const auto doing = [&] { return fmt::format("cannot commit for group \"{}\"", what.group); };
  const auto& through = what.member->through();
  const queue_handle queue{rd_kafka_queue_new(through.get())};
  answer got;
  const auto code = rd_kafka_commit_queue(
      through.get(), what.offsets.get(), queue.get(),
      [](rd_kafka_t*, rd_kafka_resp_err_t outcome, rd_kafka_topic_partition_list_t* list,
         void* to) {
        if (outcome == RD_KAFKA_RESP_ERR_NO_ERROR && list != nullptr) outcome = first_error(*list);
        *static_cast<answer*>(to) = {true, outcome};
      },
      &got);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return through.fail(doing(), code);
  while (!got.is_there) {
    rd_kafka_queue_poll_callback(queue.get(), static_cast<int>(step.count()));
    if (stop.stop_requested() && !got.is_there)
      return through.fail(doing(), RD_KAFKA_RESP_ERR__TIMED_OUT);
  }
  if (got.code != RD_KAFKA_RESP_ERR_NO_ERROR) return through.fail(doing(), got.code);
  return {};
}

}  // namespace

result<std::vector<group_positions>> plan_positions(const std::vector<position_change>& changes,
                                                    const groups& members, const admin& cluster) {
  std::vector<group_positions> plan;
  for (const auto& change : changes) {
    auto member = CLOUDFLOW_TRY(owner(change, members, cluster));
    auto at = std::find_if(plan.begin(), plan.end(), [&](const group_positions& one) {
      return one.group == change.group && one.member == member;
    });
    if (at == plan.end()) {
      auto metadata = member ? member->metadata()
                             : group_metadata_handle{rd_kafka_consumer_group_metadata_new(
                                   std::string{change.group}.c_str())};
      if (!metadata) return moved_away(change);
      plan.push_back({std::string{change.group}, member,
                      list_handle{rd_kafka_topic_partition_list_new(4)}, std::move(metadata)});
      at = std::prev(plan.end());
    }
    auto* const one = rd_kafka_topic_partition_list_add(
        at->offsets.get(), std::string{change.topic}.c_str(), change.partition.value());
    one->offset = change.next.value();
  }
  return plan;
}

result<void> commit_positions(const group_positions& what, const admin& cluster,
                              const std::stop_token& stop) {
  for (int i = 1;; ++i) {
    auto done =
        what.member ? commit_once(what, stop) : cluster.alter_positions(what.group, *what.offsets);
    if (done) return done;
    const auto is_changing = done.error().code == errc::rebalanced && what.member &&
                             what.member->metadata() && i < tries_while_group_changes;
    if (!(is_changing || done.error().is_retriable()) || !pause(stop, step)) return done;
  }
}

}  // namespace cloudflow::pubsub::kafka
