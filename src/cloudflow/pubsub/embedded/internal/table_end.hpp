/// What stands at the end of a table of RocksDB.
#pragma once

#include <string>

namespace rocksdb {
class FileSystem;
}

namespace cloudflow::pubsub::embedded {

/// False: the properties of the table are not what was written. RocksDB takes them apart before it
/// compares their checksum, and ends the process over some of their bits. What it compares first,
/// or what cannot be read, is left to it.
bool are_properties_intact(rocksdb::FileSystem& files, const std::string& path);

}  // namespace cloudflow::pubsub::embedded
