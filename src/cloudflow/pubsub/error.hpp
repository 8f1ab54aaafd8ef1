#pragma once

#include "cloudflow/base/result.hpp"

#include <string>
#include <utility>

namespace cloudflow::pubsub {

enum class errc {
  topic_not_found,
  topic_mismatch,       ///< an existing topic differs from what is wanted
  offset_out_of_range,  ///< the log no longer holds (or does not yet hold) that position
  record_too_large,
  disk_full,        ///< or over the log's own bound
  corrupt,          ///< stored bytes are not what was written
  in_use,           ///< another process has the log open, or another consumer the group
  fenced,           ///< another owner has taken over
  rebalanced,       ///< partitions have moved meanwhile: go on from the last commit, at once
  outcome_unknown,  ///< of a commit: it may have been done; ask for positions and state before
                    ///< going on
  must_restart,  ///< only a new process can go on: this one ends, whoever supervises it starts it
  denied,        ///< the cluster knows who asks, or not, and refuses
  unavailable,
  unsupported,
};

/// What a backend answers when it cannot. `retriable`: the same call may succeed later, unchanged.
/// `fatal`: the session is of no use any more; open a new one and start from the last commit.
struct error {
  errc code = errc::unavailable;
  std::string message;
  bool retriable = false;
  bool fatal = false;
};

/// For callers that only say it, or try again.
inline cloudflow::error plain(error e) { return {std::move(e.message), e.retriable}; }

template <class T>
using result = cloudflow::result<T, error>;

}  // namespace cloudflow::pubsub
