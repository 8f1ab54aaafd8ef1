#pragma once

#include <string>

namespace cloudflow {

/// An expected failure, for a person: what failed, on which object, what was expected and found,
/// and the next step. One line or several; never holds a secret. Modules whose callers branch on
/// the kind of failure have a type of their own (for example `pubsub::error`).
struct error {
  std::string message;
  bool is_retriable = false;  ///< the same call may succeed later, unchanged

  bool operator==(const error&) const = default;
};

}  // namespace cloudflow
