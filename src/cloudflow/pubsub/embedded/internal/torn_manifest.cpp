#include "cloudflow/pubsub/embedded/internal/torn_manifest.hpp"

#include "cloudflow/pubsub/embedded/internal/log_file.hpp"

#include <rocksdb/file_system.h>

#include <algorithm>

namespace cloudflow::pubsub::embedded {
namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

/// Ends before its end.
class shorter_file final : public rocksdb::FSSequentialFileOwnerWrapper {
public:
  shorter_file(std::unique_ptr<rocksdb::FSSequentialFile> whole, std::uint64_t size)
    : FSSequentialFileOwnerWrapper(std::move(whole)), left_(size) {}
  IOStatus Read(std::size_t n, const IOOptions& options, rocksdb::Slice* out, char* scratch,
                IODebugContext* context) override {
    auto status = FSSequentialFileOwnerWrapper::Read(std::min<std::uint64_t>(n, left_), options,
                                                     out, scratch, context);
    if (status.ok()) left_ -= out->size();
    return status;
  }
  IOStatus Skip(std::uint64_t n) override {
    n = std::min(n, left_);
    left_ -= n;
    return FSSequentialFileOwnerWrapper::Skip(n);
  }

private:
  std::uint64_t left_;
};

/// In which one file is shorter for those who read it from its beginning.
class cutting_files final : public rocksdb::FileSystemWrapper {
public:
  cutting_files(const std::shared_ptr<rocksdb::FileSystem>& target, std::string path,
                std::uint64_t size)
    : FileSystemWrapper(target), path_(std::move(path)), size_(size) {}
  const char* Name() const override { return "without a torn end"; }
  IOStatus NewSequentialFile(const std::string& path, const FileOptions& options,
                             std::unique_ptr<rocksdb::FSSequentialFile>* out,
                             IODebugContext* context) override {
    auto status = FileSystemWrapper::NewSequentialFile(path, options, out, context);
    if (status.ok() && path == path_) *out = std::make_unique<shorter_file>(std::move(*out), size_);
    return status;
  }

private:
  const std::string path_;
  const std::uint64_t size_;
};

class env_with_files final : public rocksdb::EnvWrapper {
public:
  env_with_files(rocksdb::Env* target, std::shared_ptr<rocksdb::FileSystem> files)
    : rocksdb::EnvWrapper(target) {
    file_system_ = std::move(files);
    system_clock_ = target->GetSystemClock();
  }
};

bool is_synced_beyond(const options& wanted, const environment& env, const current_manifest& it,
                      std::uint64_t bytes) {
  const auto known = commit_page::read(env.files(), wanted.directory);
  return known && known->tables && known->tables->number == it.number &&
         known->tables->bytes > bytes;
}

}  // namespace

result<current_manifest> find_manifest(const options& wanted, const environment& env) {
  std::string current;
  const auto status =
      rocksdb::ReadFileToString(&env.files(), (wanted.directory / "CURRENT").string(), &current);
  if (!status.ok()) return to_error(status, wanted.directory);
  return current_manifest{current.substr(0, current.find('\n')), manifest_number(current)};
}

std::unique_ptr<rocksdb::Env> without_torn_end(const options& wanted, const environment& env) {
  const auto it = find_manifest(wanted, env);
  if (!it) return nullptr;
  // The way RocksDB joins them.
  const auto path = wanted.directory.string() + "/" + it->name;
  const auto found = scan_log_file(env.files(), path, wanted.directory);
  if (!found || found->has_records_behind || found->intact_bytes == 0) return nullptr;
  std::uint64_t size = 0;
  if (!env.files().GetFileSize(path, {}, &size, nullptr).ok() || size == found->intact_bytes)
    return nullptr;
  if (is_synced_beyond(wanted, env, *it, found->intact_bytes)) return nullptr;
  return std::make_unique<env_with_files>(
      env.get(),
      std::make_shared<cutting_files>(env.get()->GetFileSystem(), path, found->intact_bytes));
}

}  // namespace cloudflow::pubsub::embedded
