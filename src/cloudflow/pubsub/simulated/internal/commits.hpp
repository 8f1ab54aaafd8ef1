#pragma once

#include "cloudflow/pubsub/simulated/internal/circumstances.hpp"
#include "cloudflow/pubsub/simulated/internal/coordinator.hpp"
#include "cloudflow/pubsub/simulated/internal/stores.hpp"
#include "cloudflow/pubsub/simulated/internal/topics.hpp"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace cloudflow::pubsub::simulated {

/// A commit that has begun. Holds a copy of everything, to compare it in the end with what the
/// caller was to leave untouched.
struct begun_commit {
  enum class phase {
    records,    ///< are being written
    positions,  ///< are held back for it: whoever asks for them waits
    ending,     ///< decided: it ends as a success, whatever becomes of its process
    over,
  };
  struct kept_output {
    topic_partition to;
    record_buffer records;
  };
  struct kept_state {
    std::string store;
    partition_id partition;
    std::string key;
    std::optional<std::string> value;
  };
  struct kept_position {
    std::string group;
    topic_partition of;
    record_offset next;
  };

  std::shared_ptr<process> by;
  producer_options how;
  int epoch = 0;
  bool is_patient =
      false;  ///< it takes its time and may meet with trouble; otherwise it is over at once
  std::vector<kept_output> outputs{};
  std::vector<kept_state> state{};
  std::vector<kept_position> positions{};
  std::map<std::string, int> generations{};  ///< of its groups when it began

  phase is = phase::records;
  int looks_left = 0;
  std::optional<error> trouble{};  ///< it will fail like that
  std::optional<std::chrono::nanoseconds>
      cut_off{};  ///< since when its producer has no part in it any more
  std::shared_ptr<fate> transaction{};
  result<void> outcome{};

  /// It has ended, as far as its producer is told.
  bool is_answered() const noexcept { return is == phase::over || cut_off; }
  bool is_exact() const noexcept { return how.delivery == guarantee::exactly_once; }
  bool writes_state_of(const stores::task_key& task) const;
};

/// Commits and the positions of the groups. Guarded by the broker's mutex.
class commits {
public:
  commits(circumstances& around, topics& all, stores& state)
    : dependencies_(&around), topics_(&all), stores_(&state) {}
  void set_groups(coordinator& groups) { groups_ = &groups; }

  /// The next owner of a transactional id. Ends what the former one has left open. Returns its
  /// epoch.
  int open_epoch(const producer_options& how);
  std::shared_ptr<begun_commit> begin(const std::shared_ptr<process>& by,
                                      const producer_options& how, int epoch,
                                      const transaction& changes, bool is_patient);
  /// It comes further, perhaps to its end.
  void look(begun_commit& c);
  /// Those whose processes are silent, or no more, or cut off.
  void look_at_orphans();
  /// Its producer is being destroyed.
  void give_up(begun_commit& c);
  void fail_next(int count, const error& why);

  std::optional<record_offset> position(std::string_view group, const topic_partition& of) const;
  bool is_pending(std::string_view group, const topic_partition& of) const;
  bool has_open_state(const stores::task_key& task) const;
  bool has_open_transaction(const process& by) const;

private:
  using phase = begun_commit::phase;
  using group_partition = std::pair<std::string, topic_partition>;

  result<void> check(const transaction& changes) const;
  void keep(begun_commit& c, const transaction& changes) const;
  void draw_trouble(begun_commit& c);
  void write_some(begun_commit& c);
  void advance(begun_commit& c);
  void cut_off(begun_commit& c);
  std::optional<error> refusal(const begun_commit& c);
  bool is_fenced(const begun_commit& c) const;
  void succeed(begun_commit& c);
  void fail(begun_commit& c, const error& why);
  void end_transaction(begun_commit& c, fate how);
  void move_position(const begun_commit::kept_position& p);

  circumstances* dependencies_;
  topics* topics_;
  stores* stores_;
  coordinator* groups_ = nullptr;
  std::map<std::string, int> epochs_;
  std::map<group_partition, record_offset> positions_;
  std::vector<std::shared_ptr<begun_commit>> open_;
  int failing_next_ = 0;
  error why_next_{};
};

/// Whether the caller has left everything as it was.
bool is_untouched(const begun_commit& kept, const transaction& now);

}  // namespace cloudflow::pubsub::simulated
