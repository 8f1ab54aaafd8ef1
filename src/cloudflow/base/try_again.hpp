#pragma once

#include <stdexcept>

namespace cloudflow {

/// Thrown by an author's code when something outside fails and no record is to blame (a disk, a
/// server): the task drops what is not committed and starts again from its last commit, later and
/// later.
struct try_again : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace cloudflow
