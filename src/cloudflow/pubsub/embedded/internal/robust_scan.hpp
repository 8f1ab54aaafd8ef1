/// Reads around what cannot be read.
#pragma once

#include "cloudflow/pubsub/embedded/internal/database.hpp"

namespace cloudflow::pubsub::embedded {

/// `key` as a big-endian number, plus 2^bit; none when it does not fit.
std::optional<std::string> plus_power(std::string key, std::size_t bit);

/// Calls `f` with each key that can be read, in order. Where a block cannot be read it goes on with
/// the nearest key behind it that can. Returns how often it had to.
std::size_t scan_around(const database& opened, family where, const storage::visitor& f);

}  // namespace cloudflow::pubsub::embedded
