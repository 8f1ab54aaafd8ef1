#pragma once

#include "cloudflow/base/result.hpp"
#include "cloudflow/blueprint/plan.hpp"
#include "cloudflow/operate/inlets.hpp"
#include "cloudflow/operate/offset_set.hpp"
#include "cloudflow/pubsub/backend.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace cloudflow::operate {

/// A record that an inlet has refused, as it lies in the inlet's topic of dead letters. Borrows
/// from the batch that it was read with.
struct dead_letter {
  const record_view* record = nullptr;
  std::string_view reason, time;  ///< when it failed, in ISO 8601
  /// Where the record was when it failed for the first time.
  std::string_view topic;
  partition_id partition{};
  record_offset offset{};
  std::int64_t failures = 1;  ///< how often it has failed
};

/// Which dead letters a command is about.
struct letter_filter {
  std::optional<offset_set> offsets = {};  ///< of the dead letters; none: all
  std::string reason = {};                 ///< is a part of theirs

  bool takes(const dead_letter& letter) const;
};

/// What waits in one topic of dead letters.
struct letter_summary {
  std::uint64_t waiting = 0, retried = 0, dropped = 0;
  std::string oldest, newest;                                 ///< ISO 8601; empty when none waits
  std::map<std::string, std::uint64_t, std::less<>> reasons;  ///< of those that wait
};

/// The dead letters of one inlet: what waits, what it looks like, what becomes of it.
///
/// The topic is a diary: what is done with dead letters is written behind them, as a mark that
/// names their offsets (see pubsub/dead_letter.hpp). So a mark is durable with the records that it
/// is about, in one transaction on any log, and retention, which deletes from the front, never
/// deletes a mark before its dead letters.
///
/// Confined to one thread; `log` and the plan of the inlet outlive it. Two at work on the same
/// inlet at the same time fence each other, so that no dead letter is handled twice.
class dead_letter_topic {
public:
  /// Errors: an inlet that keeps no dead letters.
  static result<dead_letter_topic> of(pubsub::backend& log, const planned_inlet& inlet);

  const planned_inlet& inlet() const noexcept { return inlet_; }

  result<letter_summary> summarise() const;
  /// Those that wait, the oldest first; `f` returns false to stop.
  result<void> visit(const letter_filter& filter,
                     const std::function<bool(const dead_letter&)>& f) const;
  /// The fingerprint, or its first bytes, of the schema of a dead letter's value; empty: not known.
  std::string schema_of(const record_view& letter);

  /// Each returns how many dead letters it was: those that match when it is called; what fails
  /// again meanwhile is not among them. Many dead letters are several transactions: after an error,
  /// which says how many are done, those are done.
  ///
  /// retry: each record goes, as it was, to the retry topic of the inlet, into the partition it was
  /// in at first; one that failed behind a repartition topic goes there.
  result<std::uint64_t> retry(const letter_filter& filter);
  result<std::uint64_t> drop(const letter_filter& filter);

private:
  class transfer;

  dead_letter_topic(pubsub::backend& log, planned_inlet inlet) : log_(&log), inlet_(inlet) {}
  pubsub::topic_partition source() const;
  /// What there is now; empty when the topic has not been made yet.
  result<pubsub::partition_range> range() const;
  /// What has become of dead letters: outcome -> their offsets.
  result<std::map<std::string, offset_set, std::less<>>> marks(
      const pubsub::partition_range& in) const;
  result<void> for_each_waiting(const pubsub::partition_range& in, const letter_filter& filter,
                                const std::function<result<bool>(const dead_letter&)>& f) const;
  /// `retry_topics`: where the records go: where they were, or else to the first; none: nowhere.
  result<std::uint64_t> hand_over(const letter_filter& filter, std::string_view outcome,
                                  std::vector<pubsub::topic_info> retry_topics);

  pubsub::backend* log_;
  planned_inlet inlet_;
  std::map<std::string, std::string, std::less<>> base_schemas_;  // of topics, as far as asked for
};

}  // namespace cloudflow::operate
