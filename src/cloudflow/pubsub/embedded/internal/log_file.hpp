/// RocksDB's log files, which write-ahead logs and manifests are: how much of one is what was
/// written.
#pragma once

#include "cloudflow/pubsub/embedded/internal/database.hpp"

namespace cloudflow::pubsub::embedded {

/// RocksDB takes a fragment that it cannot read at the end of such a file for one that was being
/// written when the power went off. Only somebody who knows how long the file was, or sees records
/// behind, can tell that from damage.
struct log_file_scan {
  std::uint64_t intact_bytes = 0;   ///< up to the first fragment that is not what was written
  bool has_records_behind = false;  ///< a record begins, unharmed, behind the first one that is not
};

/// Reads all of it. Errors: it cannot be read.
result<log_file_scan> scan_log_file(rocksdb::FileSystem& files, const std::string& path,
                                    const std::filesystem::path& directory);

/// One block of such a file, for scan_log_file() and its tests. `at`: where in the file it is.
void scan_block(std::string_view block, std::uint64_t at, log_file_scan& so_far, bool& is_broken);

/// Of as many bytes as fit into it.
std::uint32_t little_endian(std::string_view bytes);

/// The number in a name such as `MANIFEST-000012`, wherever it stands in `name`; 0: there is none.
std::uint64_t manifest_number(std::string_view name);

}  // namespace cloudflow::pubsub::embedded
