#pragma once

#include "cloudflow/base/result.hpp"

#include <string>
#include <utility>

namespace cloudflow::pubsub {

/// Why a call could not be done; way_on_after() says what can be done about it. Codes go through
/// the socket of a running application, to commands of another build perhaps: new ones stand last.
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
  unavailable,   ///< a disk or a cluster does not do it now; it may a moment later
  unsupported,
  failed,          ///< did not work, and will not unchanged; the message says all that there is
  session_lost,    ///< this session ends here, and another one may do the same
  session_failed,  ///< this session ends here, and another one is to begin at the last commit
  session_denied,  ///< `denied`, and this session ends with it
};

/// For whoever reads one from bytes.
inline constexpr auto last_errc = errc::session_denied;

/// What can be done about an error.
struct way_on {
  bool is_retriable = false;  ///< the same call may succeed later, unchanged
  /// The session is of no use any more: open a new one and start from the last commit.
  bool is_fatal = false;

  bool operator==(const way_on&) const = default;
};

constexpr way_on way_on_after(errc code) noexcept {
  switch (code) {
    case errc::topic_not_found:
    case errc::topic_mismatch:
    case errc::offset_out_of_range:
    case errc::record_too_large:
    case errc::rebalanced:
    case errc::denied:
    case errc::unsupported:
    case errc::failed: return {};
    case errc::disk_full:
    case errc::in_use:
    case errc::unavailable: return {.is_retriable = true};
    case errc::corrupt:
    case errc::fenced:
    case errc::outcome_unknown:
    case errc::must_restart:
    case errc::session_failed:
    case errc::session_denied: return {.is_fatal = true};
    case errc::session_lost: return {.is_retriable = true, .is_fatal = true};
  }
  return {};  // no code of ours
}

/// What a backend answers when it cannot. The code alone decides what is done about it.
struct error {
  errc code = errc::failed;
  std::string message;

  bool is_retriable() const noexcept { return way_on_after(code).is_retriable; }
  bool is_fatal() const noexcept { return way_on_after(code).is_fatal; }
};

/// For callers that only say it, or try again.
inline cloudflow::error plain(error e) { return {std::move(e.message), e.is_retriable()}; }

template <class T>
using result = cloudflow::result<T, error>;

}  // namespace cloudflow::pubsub
