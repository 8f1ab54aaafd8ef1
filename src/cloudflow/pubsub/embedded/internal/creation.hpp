/// How a log comes into being, and how it goes.
#pragma once

#include "cloudflow/pubsub/embedded/internal/database.hpp"

namespace cloudflow::pubsub::embedded {

/// Makes an empty log in `<directory>.making`, complete and synced, and renames it, unless the
/// directory is there: what is there is never completed or repaired. What an earlier attempt has
/// left in `.making` is removed, as far as it is ours. Returns whether it has made one. Blocks.
result<bool> make_if_absent(const options& wanted, const environment& env);

/// Removes the directory of a copy with everything in it.
result<void> remove_tree(const options& wanted, const environment& env);

/// Whether a file of this name in a log's directory is of the log (or of RocksDB).
bool is_ours(std::string_view name);

}  // namespace cloudflow::pubsub::embedded
