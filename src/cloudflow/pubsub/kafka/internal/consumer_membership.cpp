// Whether a consumer is a member of its group, and why not.
#include "cloudflow/pubsub/kafka/internal/consumer.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace cloudflow::pubsub::kafka {
namespace {

/// To be no member for so long is worth a word.
constexpr std::chrono::seconds usual_absence{10};
/// No rebalance takes longer, which waits for the slowest member for max.poll.interval.ms.
constexpr std::chrono::minutes longest_absence{6};
constexpr std::chrono::milliseconds between_looks_at_membership{100};
/// A rebalance is over much sooner, or has moved partitions.
constexpr std::chrono::seconds longest_refusal{20};

}  // namespace

/// A member without partitions hears nothing by the new protocol; by the other it is assigned none.
void group_consumer::look_whether_joined() {
  const auto now = session_->time().monotonic();
  if (now < look_at_) return;
  look_at_ = now + (has_joined_ ? between_looks_at_membership : std::chrono::milliseconds{0});
  watch_->look(now, !has_some_of_each_topic());
  const auto is_member =
      member_->metadata() != nullptr && (protocol_ == group_protocol::consumer || was_assigned_);
  if (is_member) {
    was_member_at_ = now;
    if (!finders_.empty()) return;
    has_joined_ = true;
    trouble_.clear();
    pause_ = std::chrono::nanoseconds{0};
    return;
  }
  const auto absence = now - was_member_at_;
  if (absence > usual_absence) has_joined_ = false;
  if (absence > longest_absence) begin_anew({errc::unavailable, why_not_joined()}, pause_);
}

/// Brokers forget a group that has no members and no positions; librdkafka (2.14) goes on as the
/// member that it was in it.
void group_consumer::look_whether_known() {
  const auto since = member_->refused_since();
  if (!since || session_->time().monotonic() - *since < longest_refusal) return;
  begin_anew({errc::unavailable,
              fmt::format("{}: {}: the brokers refuse all that this member commits; it joins anew",
                          session_->where(), doing_)},
             pause_);
}

/// Then all of them exist, unless librdkafka says otherwise.
bool group_consumer::has_some_of_each_topic() const {
  return std::all_of(wanted_.topics.begin(), wanted_.topics.end(), [&](const auto& topic) {
    const auto at = partitions_.lower_bound({topic, partition_id{0}});
    return at != partitions_.end() && at->first.topic == topic;
  });
}

std::string group_consumer::why_not_joined() const {
  if (has_joined()) return {};
  if (!trouble_.empty()) return trouble_;
  if (const auto topic = missing_topic(); !topic.empty())
    return fmt::format("{}: {}: topic \"{}\" does not exist", session_->where(), doing_, topic);
  const auto told = session_->heard().told();
  const auto absence = session_->time().monotonic() - was_member_at_;
  return fmt::format("{}: not in group \"{}\" for {} s{}{}", session_->where(), wanted_.group,
                     std::chrono::duration_cast<std::chrono::seconds>(absence).count(),
                     told ? ": " : "", told ? told->message : "");
}

}  // namespace cloudflow::pubsub::kafka
