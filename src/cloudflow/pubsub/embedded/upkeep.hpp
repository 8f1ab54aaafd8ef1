/// Looking after a log's directory: whether it is whole, what is left of it. A copy of one that is
/// open is `log::backup()`.
#pragma once

#include "cloudflow/pubsub/embedded/log.hpp"

namespace cloudflow::pubsub::embedded {

/// What one partition of a log holds.
struct partition_summary {
  topic_partition source;
  record_offset first, end;
  std::int64_t records = 0;  ///< that can be read
};

struct check_report {
  std::vector<std::string> problems;  ///< sentences; none: all that is there is what was written
  std::vector<std::string> notes;     ///< what could not be checked
  std::uint64_t commits = 0,
                records = 0;  ///< that the log has ever taken; 0 where a problem hides them
  std::vector<partition_summary> partitions;
};

/// Reads all of a log that nobody has open, compares every byte with its checksum, the number of
/// its commits with the page beside it, and looks into every record. Changes nothing. Blocks as
/// long as reading takes.
///
/// Errors: `in_use`; there is no log; the file system does not let it be read. Damage is not an
/// error but a problem.
result<check_report> check(const options& where);

/// What could not be saved of one partition.
struct loss {
  topic_partition source;
  std::int64_t records = 0;        ///< lost between records that are there
  std::vector<std::string> where;  ///< a sentence for each gap
};

struct salvage_report {
  std::vector<partition_summary> partitions;  ///< of the new log
  std::vector<loss> losses;                   ///< of the partitions that have lost something
  std::vector<std::string> notes;             ///< what else is missing, or cannot be known
  std::uint64_t commits_lost =
      0;  ///< that were acknowledged; 0 also where that is not known, see notes
  std::uint64_t records_lost = 0;  ///< that these commits and the gaps have brought
};

/// Copies what can be read of a log into a new one at `to`, which must not be there. The log itself
/// is not changed, and nobody opens it meanwhile. Records behind a gap move up, and the positions
/// of groups with them, so that each group goes on where it was. Works on a copy where RocksDB has
/// to rebuild its manifest. Blocks.
///
/// Errors: `in_use`; nothing can be read; `to` is there or cannot be written.
result<salvage_report> salvage(const options& from, const std::filesystem::path& to);

}  // namespace cloudflow::pubsub::embedded
