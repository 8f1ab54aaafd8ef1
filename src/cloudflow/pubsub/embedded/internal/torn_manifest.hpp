/// A manifest whose last record was being written when the power went off.
#pragma once

#include "cloudflow/pubsub/embedded/internal/database.hpp"

namespace cloudflow::pubsub::embedded {

/// The manifest that the file CURRENT names.
struct current_manifest {
  std::string name;
  std::uint64_t number = 0;
};
result<current_manifest> find_manifest(const options& wanted, const environment& env);

/// RocksDB refuses a manifest whose last record has its full size and not its bytes, which is what
/// a loss of power leaves of one that was not synced yet. Nobody was told that such a record is
/// there, and nothing was deleted because of it: the manifest counts without it.
///
/// Returns an environment in which the manifest ends in front of such a record, on top of `env`,
/// which outlives it; nullptr when there is none. It is none, and RocksDB has its say, when records
/// follow it or when the commit page knows that the manifest was synced beyond it.
std::unique_ptr<rocksdb::Env> without_torn_end(const options& wanted, const environment& env);

}  // namespace cloudflow::pubsub::embedded
