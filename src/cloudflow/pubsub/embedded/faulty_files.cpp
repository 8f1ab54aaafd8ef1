#include "cloudflow/pubsub/embedded/faulty_files.hpp"

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <string>

namespace cloudflow::pubsub::embedded {
namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

IOStatus to_status(file_failure failure, std::string_view path) {
  const Slice where{path.data(), path.size()};
  switch (failure) {
    case file_failure::none: break;
    case file_failure::io: return IOStatus::IOError(where, "Input/output error");
    case file_failure::no_space: return IOStatus::NoSpace(where, "No space left on device");
    case file_failure::too_many_files: return IOStatus::IOError(where, "Too many open files");
  }
  return IOStatus::OK();
}

/// The path of a file and the rule for it.
class watched {
public:
  watched(std::shared_ptr<const fault_rule> rule, std::string path)
    : rule_(std::move(rule)), path_(std::move(path)) {}
  IOStatus ask(file_operation what) const { return to_status((*rule_)(what, path_), path_); }

private:
  std::shared_ptr<const fault_rule> rule_;
  std::string path_;
};

class sequential_file final : public rocksdb::FSSequentialFileOwnerWrapper {
public:
  sequential_file(std::unique_ptr<rocksdb::FSSequentialFile> file, watched faults)
    : rocksdb::FSSequentialFileOwnerWrapper(std::move(file)), faults_(std::move(faults)) {}
  IOStatus Read(std::size_t n, const IOOptions& options, Slice* out, char* scratch,
                IODebugContext* context) override {
    auto failed = faults_.ask(file_operation::read);
    return failed.ok() ? target()->Read(n, options, out, scratch, context) : failed;
  }

private:
  const watched faults_;
};

class random_access_file final : public rocksdb::FSRandomAccessFileOwnerWrapper {
public:
  random_access_file(std::unique_ptr<rocksdb::FSRandomAccessFile> file, watched faults)
    : rocksdb::FSRandomAccessFileOwnerWrapper(std::move(file)), faults_(std::move(faults)) {}
  IOStatus Read(std::uint64_t offset, std::size_t n, const IOOptions& options, Slice* out,
                char* scratch, IODebugContext* context) const override {
    auto failed = faults_.ask(file_operation::read);
    return failed.ok() ? target()->Read(offset, n, options, out, scratch, context) : failed;
  }

private:
  const watched faults_;
};

class writable_file final : public rocksdb::FSWritableFileOwnerWrapper {
public:
  writable_file(std::unique_ptr<rocksdb::FSWritableFile> file, watched faults)
    : rocksdb::FSWritableFileOwnerWrapper(std::move(file)), faults_(std::move(faults)) {}
  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* context) override {
    auto failed = faults_.ask(file_operation::write);
    return failed.ok() ? target()->Append(data, options, context) : failed;
  }
  IOStatus Append(const Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo& check, IODebugContext* context) override {
    auto failed = faults_.ask(file_operation::write);
    return failed.ok() ? target()->Append(data, options, check, context) : failed;
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* context) override {
    auto failed = faults_.ask(file_operation::sync);
    return failed.ok() ? target()->Sync(options, context) : failed;
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* context) override {
    auto failed = faults_.ask(file_operation::sync);
    return failed.ok() ? target()->Fsync(options, context) : failed;
  }

private:
  const watched faults_;
};

class overwritable_file final : public rocksdb::FSRandomRWFileOwnerWrapper {
public:
  overwritable_file(std::unique_ptr<rocksdb::FSRandomRWFile> file, watched faults)
    : rocksdb::FSRandomRWFileOwnerWrapper(std::move(file)), faults_(std::move(faults)) {}
  IOStatus Write(std::uint64_t offset, const Slice& data, const IOOptions& options,
                 IODebugContext* context) override {
    auto failed = faults_.ask(file_operation::write);
    return failed.ok() ? target()->Write(offset, data, options, context) : failed;
  }

private:
  const watched faults_;
};

class faulty_files final : public rocksdb::FileSystemWrapper {
public:
  faulty_files(const std::shared_ptr<rocksdb::FileSystem>& real, fault_rule rule)
    : rocksdb::FileSystemWrapper(real),
      rule_(std::make_shared<const fault_rule>(std::move(rule))) {}
  const char* Name() const override { return "faulty files"; }

  IOStatus NewSequentialFile(const std::string& name, const FileOptions& options,
                             std::unique_ptr<rocksdb::FSSequentialFile>* out,
                             IODebugContext* context) override {
    auto done = ask(file_operation::open, name);
    if (done.ok()) done = target()->NewSequentialFile(name, options, out, context);
    if (done.ok()) *out = std::make_unique<sequential_file>(std::move(*out), of(name));
    return done;
  }
  IOStatus NewRandomAccessFile(const std::string& name, const FileOptions& options,
                               std::unique_ptr<rocksdb::FSRandomAccessFile>* out,
                               IODebugContext* context) override {
    auto done = ask(file_operation::open, name);
    if (done.ok()) done = target()->NewRandomAccessFile(name, options, out, context);
    if (done.ok()) *out = std::make_unique<random_access_file>(std::move(*out), of(name));
    return done;
  }
  IOStatus NewWritableFile(const std::string& name, const FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* out,
                           IODebugContext* context) override {
    auto done = ask(file_operation::create, name);
    if (done.ok()) done = target()->NewWritableFile(name, options, out, context);
    if (done.ok()) *out = std::make_unique<writable_file>(std::move(*out), of(name));
    return done;
  }
  IOStatus NewRandomRWFile(const std::string& name, const FileOptions& options,
                           std::unique_ptr<rocksdb::FSRandomRWFile>* out,
                           IODebugContext* context) override {
    auto done = ask(file_operation::open, name);
    if (done.ok()) done = target()->NewRandomRWFile(name, options, out, context);
    if (done.ok()) *out = std::make_unique<overwritable_file>(std::move(*out), of(name));
    return done;
  }
  IOStatus DeleteFile(const std::string& name, const IOOptions& options,
                      IODebugContext* context) override {
    auto done = ask(file_operation::remove, name);
    return done.ok() ? target()->DeleteFile(name, options, context) : done;
  }
  IOStatus LockFile(const std::string& name, const IOOptions& options, rocksdb::FileLock** lock,
                    IODebugContext* context) override {
    auto done = ask(file_operation::open, name);
    return done.ok() ? target()->LockFile(name, options, lock, context) : done;
  }

private:
  watched of(const std::string& name) const { return {rule_, name}; }
  IOStatus ask(file_operation what, const std::string& name) const { return of(name).ask(what); }

  const std::shared_ptr<const fault_rule> rule_;
};

}  // namespace

std::shared_ptr<rocksdb::FileSystem> with_faults(const std::shared_ptr<rocksdb::FileSystem>& target,
                                                 fault_rule rule) {
  return std::make_shared<faulty_files>(target, std::move(rule));
}

std::shared_ptr<rocksdb::FileSystem> machine_files() { return rocksdb::FileSystem::Default(); }

}  // namespace cloudflow::pubsub::embedded
