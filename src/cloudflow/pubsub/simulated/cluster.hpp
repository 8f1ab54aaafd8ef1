/// A log in memory that several processes share. As far as a runtime can tell it behaves as Kafka
/// does: for tests of whatever stands on `pubsub::backend`.
#pragma once

#include "cloudflow/base/time.hpp"
#include "cloudflow/pubsub/backend.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cloudflow::pubsub::simulated {

/// How long things take, and what goes wrong. A length is drawn between 0 and what stands here, and
/// counts how often somebody looks whether it is over; a chance is out of 1000. As it is made
/// everything is over at once, and nothing goes wrong.
struct fault_profile {
  // -- commits ---
  int longest_phase = 0;      ///< a commit has three: records, positions, end
  int failing_commits = 0;    ///< for good
  int retriable_commits = 0;  ///< would succeed, tried again
  int stale_generations =
      0;  ///< refused as `rebalanced` because the group changed, though the partitions did not move
  int unknown_outcomes =
      0;  ///< the client is cut off at the end of a transaction, which may be done or not
  int failing_producers = 0;  ///< cannot be opened now
  bool leaves_marks =
      false;  ///< the end of a transaction takes an offset in each partition that it wrote to
  bool holds_commits = false;                           ///< none comes further
  std::chrono::milliseconds transaction_timeout{2000};  ///< of a process that is silent

  // -- groups ---
  int longest_start = 0;  ///< until it is known where to read an assigned partition from
  int rebalances = 0;     ///< whenever a member looks: partitions are dealt anew, members or no
  std::chrono::milliseconds session_timeout{3000};  ///< of a process that is silent

  // -- reading ---
  int empty_takes = 0, short_takes = 0;  ///< nothing, or one record, although there is more
  int longest_restore = 0;               ///< of a task's state
};

/// What one process has open. Ended in good order it leaves its groups and aborts what it had
/// begun.
class session : public backend {
public:
  /// The process stands still, as by SIGSTOP: nothing of it may be called until `wake_up`. After
  /// the time-outs its partitions are given to others, and its transactions aborted.
  virtual void hang() = 0;
  virtual void wake_up() = 0;
  /// The process is no more, as by SIGKILL: what it had open is still to be destroyed, and leaves
  /// nothing behind in good order.
  virtual void crash() = 0;
  /// A transaction of this process has not ended, be it that the process has.
  virtual bool has_open_transaction() const = 0;
};

/// The brokers, and what they store.
///
/// Exactly-once commits are transactions: their records take offsets when they begin and are seen
/// when they have ended, not before an earlier one has ended; aborted ones leave offsets without
/// records. A position is taken from whoever owns its partition in the present generation of the
/// group, and refused from others (KIP-447). The next owner of a transactional id fences the former
/// one. At-least-once commits show their records at once, also when they fail in the end.
/// Partitions are rebalanced cooperatively: revoked, waited for, given to the next; not all of a
/// joined group's before all of them are free. A new owner learns where to start, and gets its
/// state, when the transactions of the former one have ended.
///
/// Operation: everything follows from the seed and the order of calls. Time comes from the clock,
/// for time-outs only. Concurrency: thread-safe, as `backend` says. Sessions may outlive the
/// cluster.
class cluster {
public:
  explicit cluster(const clock& time, std::uint64_t seed = 1, const fault_profile& w = {});
  ~cluster();
  cluster(const cluster&) = delete;
  cluster& operator=(const cluster&) = delete;

  std::unique_ptr<session> connect();
  void set_fault_profile(const fault_profile& from_now_on);
  /// The next `count` commits end like that.
  void fail_commits(int count, const error& why);
  /// Each partition of the group goes to the next member.
  void rebalance(std::string_view group);
  /// The topic's `max.message.bytes` from now on.
  void set_limit(std::string_view topic, std::size_t bytes);

  /// What somebody did that nobody may do, as sentences: a position that goes back, borrowed bytes
  /// that changed during a commit, state that was read or written without having been restored.
  std::vector<std::string> violations() const;
  /// All records of a partition, also those that readers do not see yet because an earlier
  /// transaction is open.
  record_batch committed(const topic_partition& of) const;
  /// As it is now, though a transaction may be about to move it.
  std::optional<record_offset> position(std::string_view group, const topic_partition& of) const;

private:
  struct broker_handle;
  std::unique_ptr<broker_handle> broker_;
};

}  // namespace cloudflow::pubsub::simulated
