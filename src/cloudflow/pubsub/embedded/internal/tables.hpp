/// Whether the tables of a log are what was written.
#pragma once

#include "cloudflow/pubsub/embedded/internal/database.hpp"

namespace cloudflow::pubsub::embedded {

/// A table whose bytes are not those that were written, with what is wrong.
struct bad_table {
  std::string path, what;
};

/// Compares all bytes of each table with the checksum that stands in the manifest, the small
/// families first, until `most_bytes` have been read. Errors: a table cannot be read.
result<std::vector<bad_table>> find_bad_tables(const database& opened, const options& wanted,
                                               const environment& env, std::uint64_t most_bytes);

}  // namespace cloudflow::pubsub::embedded
