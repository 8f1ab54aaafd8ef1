/// A copy of a log that is open.
#pragma once

#include "cloudflow/pubsub/embedded/internal/database.hpp"

namespace cloudflow::pubsub::embedded {

/// Makes a log of its own in `to`, which must not be there, as of the last commit: tables are
/// linked where the file system can, and copied otherwise. Whoever writes goes on meanwhile.
/// Blocks.
result<void> make_checkpoint(const database& opened, const options& wanted, const environment& env,
                             const std::filesystem::path& to);

}  // namespace cloudflow::pubsub::embedded
