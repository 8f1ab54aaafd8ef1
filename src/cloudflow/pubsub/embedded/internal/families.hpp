/// Column families and changes of them. Of the .cpp files that may see RocksDB.
#pragma once

#include "cloudflow/pubsub/embedded/internal/storage.hpp"

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <array>

namespace cloudflow::pubsub::embedded {

/// In the order in which a log makes them, which gives them their ids: 1 for the first.
inline constexpr std::array family_names{"records", "meta", "positions", "state", "schemas"};

inline rocksdb::Slice slice(std::string_view s) { return {s.data(), s.size()}; }
inline std::string_view view(const rocksdb::Slice& s) { return {s.data(), s.size()}; }

/// Changes refer to families by id alone, so that they outlive a database that is opened again.
struct write_set::impl {
  rocksdb::WriteBatch batch;
};

}  // namespace cloudflow::pubsub::embedded
