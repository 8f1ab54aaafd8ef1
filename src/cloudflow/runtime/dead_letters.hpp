#pragma once

#include "cloudflow/base/time.hpp"
#include "cloudflow/flow/boundary.hpp"
#include "cloudflow/pubsub/transaction.hpp"
#include "cloudflow/runtime/streamlet_instance.hpp"

#include <cstdint>
#include <map>
#include <span>
#include <string>

namespace cloudflow::runtime {

/// What becomes of what a task cannot process: which policy holds, and its dead letter. Confined to
/// the task's worker.
class dead_letters {
public:
  /// `streamlet` and `time` outlive it.
  dead_letters(const streamlet_instance& streamlet, std::int32_t partition, const clock& time)
    : streamlet_(&streamlet), partition_(partition), time_(&time) {}

  blueprint::bad_record_policy policy_of(const flow::kept_origin& from) const;
  /// Empty: it keeps none.
  const std::string& topic_of(const flow::kept_origin& from) const;
  /// For messages.
  std::string describe(const flow::kept_origin& from) const;

  /// Looks at those of `rejected` that have come since the last call. Throws under the policy
  /// `fail`, and, with what to do, where the topic does not take a dead letter: that would make
  /// every commit of the worker fail, and a record may not be lost silently.
  void check(std::span<const flow::rejected_record> rejected);
  /// `rejected` begins anew.
  void restart_check() noexcept { checked_ = 0; }
  /// Logs all of them and adds the dead letters among them to `into`, which borrows them until the
  /// next call.
  void write(std::span<const flow::rejected_record> rejected, pubsub::transaction& into);

private:
  void expect_room_for(const flow::rejected_record& r);
  void add(const flow::rejected_record& r);
  const std::string& schema_header_of(const flow::kept_origin& from);

  const streamlet_instance* streamlet_;
  std::int32_t partition_;
  const clock* time_;
  std::size_t checked_ = 0;
  std::map<std::string, record_buffer> by_topic_;
  std::map<std::string, std::size_t> limits_;          ///< by topic, as far as they are known
  std::map<std::string, std::string> schema_headers_;  ///< by the schema's text
};

}  // namespace cloudflow::runtime
