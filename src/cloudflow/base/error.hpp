#pragma once

#include <string>
#include <string_view>

namespace cloudflow {

/// An expected failure, for a person: what failed, on which object, what was expected and found,
/// and the next step. One line or several; never holds a secret. Modules whose callers branch on
/// the kind of failure have a type of their own (for example `pubsub::error`).
struct error {
  std::string message;
  bool is_retriable = false;  ///< the same call may succeed later, unchanged

  bool operator==(const error&) const = default;
};

/// The same failure as those further out call it: `where: message`.
inline error within(std::string_view where, error cause) {
  cause.message.insert(0, ": ").insert(0, where);
  return cause;
}

}  // namespace cloudflow
