/// The checksum over all bytes of a table, which the manifest keeps.
#pragma once

#include <rocksdb/file_checksum.h>

#include <memory>
#include <string>

namespace cloudflow::pubsub::embedded {

/// XXH3 of 64 bits, big-endian. RocksDB's own CRC32C is slow where it is compiled for any
/// processor: appends waited a third of their time for tables to be written. Tables that have one
/// keep it.
std::shared_ptr<rocksdb::FileChecksumGenFactory> table_checksums();

/// The generator of that name, which the manifest gives.
std::unique_ptr<rocksdb::FileChecksumGenerator> table_checksum(const std::string& name);

}  // namespace cloudflow::pubsub::embedded
