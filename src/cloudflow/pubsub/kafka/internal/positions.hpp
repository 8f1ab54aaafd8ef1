#pragma once

#include "cloudflow/pubsub/kafka/internal/admin.hpp"
#include "cloudflow/pubsub/kafka/internal/groups.hpp"
#include "cloudflow/pubsub/transaction.hpp"

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

namespace cloudflow::pubsub::kafka {

/// The positions of one transaction that one member of a group commits.
struct group_positions {
  std::string group;
  std::shared_ptr<group_member> member;  ///< none: nobody in this session reads for the group
  list_handle offsets;
  /// Of the member when the transaction began: a generation that has ended since is refused by the
  /// brokers.
  group_metadata_handle metadata;
};

/// Who commits what. `rebalanced`: the group is read, and not this session has the partition (any
/// more). The positions of a group that nobody reads may be moved by anybody.
result<std::vector<group_positions>> plan_positions(const std::vector<position_change>& changes,
                                                    const groups& members, const admin& cluster);

/// Commits them outside of a transaction, once what they stand for has arrived. Waits as long as
/// there is no coordinator; asks again while the group changes, some seconds at most.
result<void> commit_positions(const group_positions& what, const admin& cluster,
                              const std::stop_token& stop);

}  // namespace cloudflow::pubsub::kafka
