#include "cloudflow/pubsub/embedded/internal/storage.hpp"

#include <fmt/format.h>
#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/system_clock.h>
#include <rocksdb/table.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <thread>

namespace cloudflow::pubsub::embedded {
namespace {

constexpr std::array family_names{"records", "meta", "positions", "state", "schemas"};

// Bounds of what stands in memory and has to be replayed when the log is opened: with these a log opens in
// well below a second, and an idle process stays small.
constexpr std::size_t records_memtable = 32 * 1024 * 1024;
constexpr std::size_t state_memtable = 16 * 1024 * 1024;
constexpr std::size_t small_memtable = 1024 * 1024;
constexpr std::size_t wal_bound = 64 * 1024 * 1024;
constexpr std::size_t block_cache = 32 * 1024 * 1024;
// Values are whole batches: large blocks keep their index small.
constexpr std::size_t records_block = 64 * 1024;
constexpr double filter_bits_per_key = 10;

rocksdb::Slice slice(std::string_view s) { return {s.data(), s.size()}; }
std::string_view view(const rocksdb::Slice& s) { return {s.data(), s.size()}; }

error to_error(const rocksdb::Status& status, const std::filesystem::path& directory) {
  const auto text = fmt::format("The log in {}: {}", directory.string(), status.ToString());
  if (status.IsNoSpace()) return {errc::disk_full, text + ". Make room on the disk.", true, false};
  if (status.IsCorruption())
    return {errc::corrupt,
            text + ". Restore the directory from a copy, or start afresh with an empty one.", false,
            true};
  return {errc::unavailable, text, false, true};
}

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

/// Sleeps for nobody: RocksDB waits a second after a failure in the background, in case a real disk comes back.
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

rocksdb::DBOptions database_options(const options& wanted, rocksdb::Env* env) {
  rocksdb::DBOptions options;
  options.env = env;
  options.create_if_missing = !wanted.read_only;
  options.create_missing_column_families = !wanted.read_only;
  options.max_total_wal_size = wal_bound;
  // After a loss of power the log ends with what was half written, zeros or not: all before it counts.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  options.info_log_level = rocksdb::WARN_LEVEL;
  options.keep_log_file_num = 2;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  if (wanted.read_only) options.info_log = std::make_shared<silent_logger>();
  return options;
}

bool is_lock_conflict(const std::string& text) {
  return text.find("lock hold by") != std::string::npos ||
         text.find("While lock file") != std::string::npos;
}

error in_use(const options& wanted) {
  return {errc::in_use,
          fmt::format("The log in {} is open in another process. Stop that one, or ask it.",
                      wanted.directory.string()),
          true, false};
}

/// Families are made one after the other when a log is made: a kill in between leaves some of them.
bool is_complete(const std::string& path, rocksdb::Env* env) {
  rocksdb::DBOptions how;
  how.env = env;
  std::vector<std::string> names;
  // What cannot be read at all, opening it reports.
  if (!rocksdb::DB::ListColumnFamilies(how, path, &names).ok()) return true;
  return names.size() > family_names.size();
}

/// A reader takes no lock, but must not read beside an owner that moves files away.
std::optional<error> check_readable(const options& wanted, rocksdb::Env* env) {
  const auto path = wanted.directory.string();
  auto& files = *env->GetFileSystem();
  if (!files.FileExists(path + "/CURRENT", {}, nullptr).ok())
    return error{errc::unavailable, fmt::format("There is no log in {}.", path), false, false};
  rocksdb::FileLock* lock = nullptr;
  const auto status = files.LockFile(path + "/LOCK", {}, &lock, nullptr);
  if (status.ok())
    files.UnlockFile(lock, {}, nullptr).PermitUncheckedError();
  else if (is_lock_conflict(status.ToString()))
    return in_use(wanted);
  if (!is_complete(path, env))
    return error{
        errc::unavailable,
        fmt::format("There is no log in {} yet: the process that made it was killed before "
                    "it was complete. Opening it for writing completes it.",
                    path),
        false, false};
  return {};
}

using handles = std::array<rocksdb::ColumnFamilyHandle*, family_names.size()>;

rocksdb::ColumnFamilyHandle* handle_of(const handles& all, family which) {
  return all[static_cast<std::size_t>(which)];
}

}  // namespace

// -- write_set ---------------------------------------------------------------------------------------

struct write_set::impl {
  const handles* families;
  rocksdb::WriteBatch batch;
};

write_set::write_set(std::unique_ptr<impl> parts) : impl_(std::move(parts)) {}
write_set::write_set(write_set&&) noexcept = default;
write_set::~write_set() = default;

// A WriteBatch refuses only sizes beyond 4 GB, which committer has refused before.
void write_set::put(family where, std::string_view key, std::string_view value) {
  const auto status =
      impl_->batch.Put(handle_of(*impl_->families, where), slice(key), slice(value));
  CLOUDFLOW_ASSERT(status.ok(), "a key or value is too large for RocksDB");
}

void write_set::erase(family where, std::string_view key) {
  const auto status = impl_->batch.Delete(handle_of(*impl_->families, where), slice(key));
  CLOUDFLOW_ASSERT(status.ok(), "a key is too large for RocksDB");
}

void write_set::erase_range(family where, std::string_view first, std::string_view end) {
  const auto status =
      impl_->batch.DeleteRange(handle_of(*impl_->families, where), slice(first), slice(end));
  CLOUDFLOW_ASSERT(status.ok(), "a key is too large for RocksDB");
}

void write_set::clear() { impl_->batch.Clear(); }

// -- storage -----------------------------------------------------------------------------------------

struct storage::impl {
  std::filesystem::path directory;
  std::shared_ptr<rocksdb::FileSystem> files;
  std::unique_ptr<rocksdb::Env> own_env;
  std::unique_ptr<rocksdb::DB> db;
  handles families{};
  rocksdb::ColumnFamilyHandle* default_family = nullptr;
  mutable std::mutex mutex;
  std::optional<error> failure;  // of the first write that failed

  ~impl() {
    if (!db) return;
    for (auto* handle : families) db->DestroyColumnFamilyHandle(handle).PermitUncheckedError();
    db->DestroyColumnFamilyHandle(default_family).PermitUncheckedError();
    db->Close().PermitUncheckedError();
  }
  rocksdb::Status open_database(const options& wanted, rocksdb::Env* env);
};

rocksdb::Status storage::impl::open_database(const options& wanted, rocksdb::Env* env) {
  const auto cache = rocksdb::NewLRUCache(block_cache);
  std::vector<rocksdb::ColumnFamilyDescriptor> wanted_families;
  wanted_families.emplace_back(rocksdb::kDefaultColumnFamilyName, options_of(family::meta, cache));
  for (std::size_t i = 0; i != family_names.size(); ++i)
    wanted_families.emplace_back(family_names[i], options_of(static_cast<family>(i), cache));
  std::vector<rocksdb::ColumnFamilyHandle*> opened;
  rocksdb::DB* raw = nullptr;
  const auto name = wanted.directory.string();
  const auto how = database_options(wanted, env);
  auto status = wanted.read_only
                    ? rocksdb::DB::OpenForReadOnly(how, name, wanted_families, &opened, &raw)
                    : rocksdb::DB::Open(how, name, wanted_families, &opened, &raw);
  if (!status.ok()) return status;
  db.reset(raw);
  default_family = opened.front();
  std::copy(opened.begin() + 1, opened.end(), families.begin());
  return status;
}

storage::storage(std::unique_ptr<impl> parts) : impl_(std::move(parts)) {}
storage::~storage() = default;

result<std::unique_ptr<storage>> storage::open(const options& wanted) {
  auto parts = std::make_unique<impl>();
  parts->directory = wanted.directory;
  auto* env = rocksdb::Env::Default();
  if (wanted.file_system) {
    parts->own_env = std::make_unique<custom_env>(rocksdb::NewCompositeEnv(wanted.file_system));
    env = parts->own_env.get();
  }
  parts->files = env->GetFileSystem();
  if (wanted.read_only) {
    if (auto problem = check_readable(wanted, env)) return *std::move(problem);
  } else if (const auto made = env->CreateDirIfMissing(wanted.directory.string()); !made.ok()) {
    return to_error(made, wanted.directory);
  }
  const auto status = parts->open_database(wanted, env);
  if (is_lock_conflict(status.ToString())) return in_use(wanted);
  if (!status.ok()) return to_error(status, wanted.directory);
  return std::unique_ptr<storage>{new storage{std::move(parts)}};
}

result<std::optional<std::string>> storage::get(family where, std::string_view key) const {
  std::string value;
  const auto status = impl_->db->Get({}, handle_of(impl_->families, where), slice(key), &value);
  if (status.IsNotFound()) return std::optional<std::string>{};
  if (!status.ok()) return to_error(status, impl_->directory);
  return std::optional{std::move(value)};
}

namespace {

rocksdb::ReadOptions scan_options(family where) {
  rocksdb::ReadOptions options;
  // Records are read once, in order: they would only drive state out of the cache.
  options.fill_cache = where != family::records;
  return options;
}

rocksdb::Status visit(rocksdb::Iterator& at, const storage::visitor& f) {
  while (at.Valid() && f(view(at.key()), view(at.value()))) at.Next();
  return at.status();
}

}  // namespace

result<void> storage::scan(family where, std::string_view from, const visitor& f) const {
  const std::unique_ptr<rocksdb::Iterator> at{
      impl_->db->NewIterator(scan_options(where), handle_of(impl_->families, where))};
  at->Seek(slice(from));
  if (const auto status = visit(*at, f); !status.ok()) return to_error(status, impl_->directory);
  return {};
}

result<void> storage::scan_from_floor(family where, std::string_view from, const visitor& f) const {
  const std::unique_ptr<rocksdb::Iterator> at{
      impl_->db->NewIterator(scan_options(where), handle_of(impl_->families, where))};
  at->SeekForPrev(slice(from));
  if (!at->Valid() && at->status().ok()) at->Seek(slice(from));
  if (const auto status = visit(*at, f); !status.ok()) return to_error(status, impl_->directory);
  return {};
}

write_set storage::new_write_set() const {
  return write_set{std::make_unique<write_set::impl>(&impl_->families)};
}

result<void> storage::write(write_set& changes, bool sync) {
  if (auto alive = check_alive(); !alive) return alive;
  rocksdb::WriteOptions how;
  how.sync = sync;
  const auto status = impl_->db->Write(how, &changes.impl_->batch);
  if (status.ok()) return {};
  auto failure = to_error(status, impl_->directory);
  failure.retriable = false;
  failure.fatal = true;
  const std::lock_guard lock{impl_->mutex};
  return impl_->failure.emplace(std::move(failure));
}

result<void> storage::check_alive() const {
  const std::lock_guard lock{impl_->mutex};
  if (impl_->failure) return *impl_->failure;
  return {};
}

result<void> storage::reclaim(std::span<const key_range> erased, bool thoroughly) {
  if (auto alive = check_alive(); !alive) return alive;
  auto* records = handle_of(impl_->families, family::records);
  if (thoroughly) {
    std::vector<rocksdb::ColumnFamilyHandle*> all{impl_->families.begin(), impl_->families.end()};
    const auto status = impl_->db->Flush({}, all);
    if (!status.ok()) return to_error(status, impl_->directory);
  }
  for (const auto& range : erased) {
    const auto first = slice(range.first), end = slice(range.end);
    auto status =
        rocksdb::DeleteFilesInRange(impl_->db.get(), records, &first, &end, /*include_end=*/false);
    if (status.ok() && thoroughly) status = impl_->db->CompactRange({}, records, &first, &end);
    if (!status.ok()) return to_error(status, impl_->directory);
  }
  return {};
}

std::uint64_t storage::disk_bytes() const {
  std::vector<rocksdb::Env::FileAttributes> found;
  impl_->db->GetEnv()
      ->GetChildrenFileAttributes(impl_->directory.string(), &found)
      .PermitUncheckedError();
  std::uint64_t sum = 0;
  for (const auto& file : found) sum += file.size_bytes;
  return sum;
}

std::optional<std::uint64_t> storage::free_bytes() const {
  std::uint64_t bytes = 0;
  const auto status =
      impl_->files->GetFreeSpace(impl_->directory.string(), {}, &bytes, /*dbg=*/nullptr);
  if (!status.ok()) return {};
  return bytes;
}

}  // namespace cloudflow::pubsub::embedded
