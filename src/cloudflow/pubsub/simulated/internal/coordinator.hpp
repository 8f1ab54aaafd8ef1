#pragma once

#include "cloudflow/pubsub/simulated/internal/circumstances.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace cloudflow::pubsub::simulated {

/// What one consumer knows of its partitions, and the coordinator of it.
struct member {
  enum class phase {
    starting,  ///< assigned, but not where to start from
    owned,
    leaving,  ///< revoked, and not released yet
    lost,     ///< the same, but too late
  };
  struct holding {
    phase is = phase::starting;
    record_offset next{};
    int looks_left = 0;
  };

  std::shared_ptr<process> of;
  consumer_options wanted;
  std::map<topic_partition, holding> holdings{};
  std::set<topic_partition> released{};  ///< of a revocation that is not released as a whole yet
  std::vector<assignment> changes{};     ///< for the next poll
  bool is_in_group = false, has_joined = false;

  bool has(phase what) const;
};

/// The groups: who has which partition. Guarded by the broker's mutex.
class coordinator {
public:
  /// What it has to know of topics and positions.
  struct facts {
    std::function<std::int32_t(const std::string& topic)> partitions_of;
    std::function<record_offset(const member&, const topic_partition&)> start_of;
    /// A transaction that has not ended yet may move the position of the group.
    std::function<bool(std::string_view group, const topic_partition&)> is_pending;
  };

  coordinator(circumstances& around, facts known)
    : dependencies_(&around), known_(std::move(known)) {}

  void open(const std::shared_ptr<member>& m);
  /// `leaves`: it says so to the brokers.
  void close(const std::shared_ptr<member>& m, bool leaves);
  std::vector<assignment> poll(const std::shared_ptr<member>& m);
  void release(const std::shared_ptr<member>& m, const topic_partition& source);
  void rebalance(std::string_view group);

  bool has_members(std::string_view group) const;
  /// Changes whenever partitions are dealt.
  int generation_of(std::string_view group) const;
  /// Whether a consumer of this process owns the partition in the present generation.
  bool owns(const process& who, std::string_view group, const topic_partition& source) const;

private:
  struct group_state {
    std::vector<std::shared_ptr<member>> members{};  ///< in the order in which they joined
    std::map<topic_partition, std::shared_ptr<member>> holders{};
    int generation = 0;
    std::size_t rotation = 0;
  };
  using targets = std::map<topic_partition, std::shared_ptr<member>>;

  void join(const std::shared_ptr<member>& m);
  void look(group_state& g);
  void throw_out_silent(group_state& g);
  void remove(group_state& g, const std::shared_ptr<member>& m);
  bool keeps_together(const group_state& g) const;
  targets deal(const group_state& g) const;
  void take_back(group_state& g, const targets& wanted);
  void give(group_state& g, const targets& wanted);
  bool may_get(const group_state& g, const targets& wanted, const topic_partition& source) const;
  void start(group_state& g);
  void lose_all(member& m) const;

  circumstances* dependencies_;
  facts known_;
  std::map<std::string, group_state, std::less<>> groups_;
  std::vector<std::shared_ptr<member>> open_;  ///< also those that were thrown out
};

}  // namespace cloudflow::pubsub::simulated
