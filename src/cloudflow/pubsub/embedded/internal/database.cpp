#include "cloudflow/pubsub/embedded/internal/database.hpp"

#include "cloudflow/base/time.hpp"
#include "cloudflow/pubsub/embedded/internal/log_file.hpp"
#include "cloudflow/pubsub/embedded/internal/table_checksum.hpp"
#include "cloudflow/pubsub/embedded/internal/table_end.hpp"
#include "cloudflow/pubsub/embedded/internal/torn_manifest.hpp"

#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/file_system.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/system_clock.h>
#include <rocksdb/table.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <mutex>
#include <thread>
#include <utility>

namespace cloudflow::pubsub::embedded {
namespace {

// Bounds of what stands in memory and has to be replayed when the log is opened: with these a log
// opens in well below a second, and an idle process stays small.
constexpr std::size_t records_memtable = 32 * 1024 * 1024;
constexpr std::size_t state_memtable = 16 * 1024 * 1024;
constexpr std::size_t small_memtable = 1024 * 1024;
constexpr std::size_t wal_bound = 64 * 1024 * 1024;
constexpr std::size_t block_cache = 32 * 1024 * 1024;
// Values are whole batches: large blocks keep their index small.
constexpr std::size_t records_block = 64 * 1024;
constexpr double filter_bits_per_key = 10;
// Of the files that the process may open, the log takes this share for its tables, but never fewer
// or more.
constexpr rlim_t share_of_files = 4, fewest_files = 32, most_files = 4096;

rocksdb::ColumnFamilyOptions options_of(family which,
                                        const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  rocksdb::ColumnFamilyOptions options;
  options.compression = rocksdb::kNoCompression;
  options.write_buffer_size = small_memtable;
  if (which == family::records) {
    options.write_buffer_size = records_memtable;
    table.block_size = records_block;
  } else if (which == family::state) {
    options.write_buffer_size = state_memtable;
    table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(filter_bits_per_key));
  }
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return options;
}

/// Drops RocksDB's own log, where a reader must not leave a file behind.
class silent_logger final : public rocksdb::Logger {
public:
  using rocksdb::Logger::Logv;
  void Logv(const char*, va_list) override {}
};

/// RocksDB's own log in the file LOG. What cannot be written of it is dropped: the logger that
/// comes with RocksDB ends the process at the line after one that has failed.
class file_logger final : public rocksdb::Logger {
public:
  explicit file_logger(std::FILE* file) : file_(file) {}
  ~file_logger() override { std::fclose(file_); }
  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list arguments) override {
    const auto now =
        std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    const auto time = to_iso8601(timestamp{now.time_since_epoch()}) + " ";
    const std::lock_guard lock{mutex_};
    std::fputs(time.c_str(), file_);  // not fmt::print(): it throws when a disk is full
    std::vfprintf(file_, format, arguments);
    std::fputc('\n', file_);
    std::fflush(file_);
    std::clearerr(file_);
  }

private:
  std::mutex mutex_;
  std::FILE* file_;
};

/// The machine's, with that logger.
class machine_env final : public rocksdb::EnvWrapper {
public:
  machine_env() : rocksdb::EnvWrapper(rocksdb::Env::Default()) {
    file_system_ = target()->GetFileSystem();
    system_clock_ = target()->GetSystemClock();
  }
  rocksdb::Status NewLogger(const std::string& path,
                            std::shared_ptr<rocksdb::Logger>* out) override {
    auto* file = std::fopen(path.c_str(), "we");
    if (file == nullptr) return rocksdb::Status::IOError(path);
    *out = std::make_shared<file_logger>(file);
    return rocksdb::Status::OK();
  }
};

/// Sleeps for nobody: RocksDB waits a second after a failure in the background, in case a real disk
/// comes back.
class sleepless_clock final : public rocksdb::SystemClockWrapper {
public:
  using rocksdb::SystemClockWrapper::SystemClockWrapper;
  const char* Name() const override { return "sleepless"; }
  void SleepForMicroseconds(int) override { std::this_thread::yield(); }
};

/// The environment of a file system that is not the machine's.
class custom_env final : public rocksdb::EnvWrapper {
public:
  explicit custom_env(std::unique_ptr<rocksdb::Env> target)
    : rocksdb::EnvWrapper(target.get()), owned_(std::move(target)) {
    file_system_ = owned_->GetFileSystem();
    system_clock_ = std::make_shared<sleepless_clock>(owned_->GetSystemClock());
  }

private:
  const std::unique_ptr<rocksdb::Env> owned_;
};

int open_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return static_cast<int>(fewest_files);
  return static_cast<int>(std::clamp(limit.rlim_cur / share_of_files, fewest_files, most_files));
}

rocksdb::DBOptions database_options(rocksdb::Env* env, access how) {
  rocksdb::DBOptions options;
  options.env = env;
  options.create_if_missing = how == access::making;
  options.create_missing_column_families = how == access::rebuilt;
  options.max_open_files = open_files();
  options.max_file_opening_threads = 1;  // by default 16 for each family, at each opening
  options.max_total_wal_size = wal_bound;
  // After a loss of power the log ends with what was half written, zeros or not: all before it
  // counts. That nothing is missing which was acknowledged, the commit page tells.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options.track_and_verify_wals_in_manifest = true;
  options.verify_sst_unique_id_in_manifest = true;
  options.file_checksum_gen_factory = table_checksums();
  // What has failed is closed and opened again, never mended behind the back of whoever counts
  // commits.
  options.max_bgerror_resume_count = 0;
  options.info_log_level = rocksdb::WARN_LEVEL;
  options.keep_log_file_num = 2;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  if (how == access::reading) options.info_log = std::make_shared<silent_logger>();
  return options;
}

bool is_lock_conflict(const std::string& text) {
  return text.find("lock hold by") != std::string::npos ||
         text.find("While lock file") != std::string::npos;
}

}  // namespace

// -- errors ---------------------------------------------------------------------------------------

error damaged(const std::filesystem::path& directory, std::string_view what) {
  return {errc::corrupt,
          fmt::format("The log in {} is damaged: {}. Nothing was changed. `state salvage` copies "
                      "what can be read of "
                      "it to a new log and says what is lost; `state check` looks closer.",
                      directory.string(), what)};
}

error in_use(const std::filesystem::path& directory) {
  return {errc::in_use,
          fmt::format("The log in {} is open in another process. Stop that one, or ask it.",
                      directory.string())};
}

error to_error(const rocksdb::Status& status, const std::filesystem::path& directory) {
  const auto text = fmt::format("The log in {}: {}", directory.string(), status.ToString());
  if (status.IsNoSpace()) return {errc::disk_full, text + ". Make room on the disk."};
  if (is_lock_conflict(text)) return in_use(directory);
  // A file that the manifest names and that is not there is an I/O error to RocksDB; so is a family
  // that was not made.
  if (status.IsCorruption() || status.IsPathNotFound() || status.IsInvalidArgument() ||
      status.IsNotFound())
    return damaged(directory, status.ToString());
  return {errc::unavailable, text};
}

// -- environment and lock -------------------------------------------------------------------------

environment::environment(const options& wanted) {
  if (wanted.file_system)
    own_ = std::make_unique<custom_env>(rocksdb::NewCompositeEnv(wanted.file_system));
  else
    own_ = std::make_unique<machine_env>();
  env_ = own_.get();
}

result<std::unique_ptr<directory_lock>> directory_lock::take(
    rocksdb::FileSystem& files, const std::filesystem::path& directory) {
  const auto path = (directory / "LOCK").string();
  rocksdb::FileLock* lock = nullptr;
  if (!files.FileExists(path, {}, nullptr).ok())
    return std::unique_ptr<directory_lock>{new directory_lock{files, nullptr}};
  const auto status = files.LockFile(path, {}, &lock, nullptr);
  if (!status.ok()) return to_error(status, directory);
  return std::unique_ptr<directory_lock>{new directory_lock{files, lock}};
}

directory_lock::~directory_lock() {
  if (lock_ != nullptr) files_.UnlockFile(lock_, {}, nullptr).PermitUncheckedError();
}

// -- manifest -------------------------------------------------------------------------------------

class manifest_watch final : public rocksdb::EventListener {
public:
  void start(rocksdb::DB& db, commit_page& page) {
    {
      const std::lock_guard lock{mutex_};
      page_ = &page;
    }
    note(db);
  }
  void OnFlushCompleted(rocksdb::DB* db, const rocksdb::FlushJobInfo&) override { note(*db); }
  void OnCompactionCompleted(rocksdb::DB* db, const rocksdb::CompactionJobInfo&) override {
    note(*db);
  }

private:
  void note(rocksdb::DB& db) {
    std::vector<std::string> names;
    commit_page::manifest now;
    if (!db.GetLiveFiles(names, &now.bytes, /*flush_memtable=*/false).ok()) return;
    for (const auto& name : names) now.number = std::max(now.number, manifest_number(name));
    const std::lock_guard lock{mutex_};
    if (page_ != nullptr) page_->write(now);
  }

  std::mutex mutex_;  // guards page_
  commit_page* page_ = nullptr;
};

void database::watch_manifest(commit_page& page) { watch_->start(*db_, page); }

// -- database -------------------------------------------------------------------------------------

namespace {

std::vector<rocksdb::ColumnFamilyDescriptor> all_families() {
  const auto cache = rocksdb::NewLRUCache(block_cache);
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  families.emplace_back(rocksdb::kDefaultColumnFamilyName, options_of(family::meta, cache));
  for (std::size_t i = 0; i != family_names.size(); ++i)
    families.emplace_back(family_names[i], options_of(static_cast<family>(i), cache));
  return families;
}

}  // namespace

result<void> database::rebuild(const options& wanted, const environment& env) {
  auto settings = database_options(env.get(), access::rebuilt);
  const auto status = rocksdb::RepairDB(wanted.directory.string(), settings, all_families());
  if (!status.ok()) return to_error(status, wanted.directory);
  return {};
}

namespace {

/// Those that would end the process.
result<void> check_table_ends(const options& wanted, const environment& env) {
  std::vector<std::string> names;
  const auto status = env.files().GetChildren(wanted.directory.string(), {}, &names, nullptr);
  if (!status.ok()) return to_error(status, wanted.directory);
  for (const auto& name : names)
    if (name.ends_with(".sst") &&
        !are_properties_intact(env.files(), (wanted.directory / name).string()))
      return damaged(wanted.directory,
                     fmt::format("the properties of its file {} are not what was written", name));
  return {};
}

/// All at once: RocksDB writes its options again for each family that it makes alone.
rocksdb::Status make_all(const rocksdb::DBOptions& settings, const std::string& name,
                         const std::vector<rocksdb::ColumnFamilyDescriptor>& families,
                         std::vector<rocksdb::ColumnFamilyHandle*>& made, rocksdb::DB*& db) {
  auto status = rocksdb::DB::Open(settings, name, {families.front()}, &made, &db);
  if (!status.ok()) return status;
  std::vector<rocksdb::ColumnFamilyHandle*> others;
  status = db->CreateColumnFamilies({families.begin() + 1, families.end()}, &others);
  made.insert(made.end(), others.begin(), others.end());
  if (status.ok()) return status;
  for (auto* each : made) db->DestroyColumnFamilyHandle(each).PermitUncheckedError();
  delete std::exchange(db, nullptr);  // RocksDB hands it out as a plain pointer
  return status;
}

}  // namespace

result<std::shared_ptr<database>> database::open(const options& wanted, const environment& env,
                                                 access how) {
  if (how == access::reading) CLOUDFLOW_TRY(check_table_ends(wanted, env));
  const auto families = all_families();
  std::vector<rocksdb::ColumnFamilyHandle*> opened;
  rocksdb::DB* raw = nullptr;
  const auto name = wanted.directory.string();
  auto shortened = without_torn_end(wanted, env);
  auto settings = database_options(shortened ? shortened.get() : env.get(), how);
  const auto watch = std::make_shared<manifest_watch>();
  settings.listeners.push_back(watch);
  rocksdb::Status status;
  if (how == access::reading)
    status = rocksdb::DB::OpenForReadOnly(settings, name, families, &opened, &raw);
  else if (how == access::making)
    status = make_all(settings, name, families, opened, raw);
  else
    status = rocksdb::DB::Open(settings, name, families, &opened, &raw);
  if (!status.ok()) return to_error(status, wanted.directory);
  std::shared_ptr<database> made{new database};
  made->shortened_ = std::move(shortened);
  made->watch_ = watch;
  made->db_.reset(raw);
  made->default_family_ = opened.front();
  std::copy(opened.begin() + 1, opened.end(), made->families_.begin());
  // Of a rebuilt database the families have other ids; nobody writes to it.
  for (std::size_t i = 0; how != access::rebuilt && i != family_names.size(); ++i)
    if (made->families_[i]->GetID() != i + 1)
      return damaged(wanted.directory,
                     fmt::format("the family {} is not number {}", family_names[i], i + 1));
  return made;
}

database::~database() {
  if (!db_) return;
  for (auto* handle : families_) db_->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
  db_->DestroyColumnFamilyHandle(default_family_).PermitUncheckedError();
  db_->Close().PermitUncheckedError();
}

}  // namespace cloudflow::pubsub::embedded
