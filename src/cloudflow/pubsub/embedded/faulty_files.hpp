#pragma once

#include <functional>
#include <memory>
#include <string_view>

namespace rocksdb {
class FileSystem;
}

namespace cloudflow::pubsub::embedded {

/// What is done to a file, as far as it can fail.
enum class file_operation { open, read, write, sync, create, remove };
/// How it fails: EIO, ENOSPC (also: no inodes), EMFILE.
enum class file_failure { none, io, no_space, too_many_files };

/// Asked before each operation, with the path. Called from any thread.
using fault_rule = std::function<file_failure(file_operation what, std::string_view path)>;

/// A file system whose operations fail by rule, for tests; everything else is `target`'s.
/// Thread-safe.
std::shared_ptr<rocksdb::FileSystem> with_faults(const std::shared_ptr<rocksdb::FileSystem>& target,
                                                 fault_rule rule);
/// The machine's file system, for `target`.
std::shared_ptr<rocksdb::FileSystem> machine_files();

}  // namespace cloudflow::pubsub::embedded
