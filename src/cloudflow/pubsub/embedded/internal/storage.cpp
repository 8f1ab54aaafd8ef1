#include "cloudflow/pubsub/embedded/internal/storage.hpp"

#include "cloudflow/pubsub/embedded/internal/backup.hpp"
#include "cloudflow/pubsub/embedded/internal/creation.hpp"
#include "cloudflow/pubsub/embedded/internal/database.hpp"

#include <fmt/format.h>
#include <rocksdb/convenience.h>
#include <rocksdb/file_system.h>

#include <algorithm>
#include <mutex>
#include <thread>

namespace cloudflow::pubsub::embedded {
namespace {

using namespace std::chrono_literals;

// How long resume_parked() waits for those who read at that moment.
constexpr auto readers_patience = 1000ms, look_every = 1ms;
// What the disk must take before a database that has failed is closed: until then it can still be
// read.
constexpr std::size_t probe_bytes = 64 * 1024;
constexpr const char* probe_name = "000000.dbtmp";

/// A reader must not read beside an owner that moves files away.
result<void> check_no_owner(const options& wanted, const environment& env) {
  if (!env.files().FileExists(wanted.directory.string(), {}, nullptr).ok())
    return error{errc::failed, fmt::format("There is no log in {}.", wanted.directory.string())};
  CLOUDFLOW_TRY(directory_lock::take(env.files(), wanted.directory));  // and lets go of it
  return {};
}

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

struct storage::impl {
  explicit impl(const options& how) : wanted(how), env(how) {}

  /// @pre it was inspected when it was open for reading
  result<void> open_for_writing();
  /// Whether the file system takes a file.
  result<void> probe() const;
  /// Closes the database when nobody reads any more.
  result<void> close();
  result<void> open_for_reading();
  void give_up_writing();
  result<std::shared_ptr<database>> use() const;

  const options wanted;
  const environment env;
  std::vector<std::string> notes;

  std::unique_ptr<commit_page> page;  // of whoever writes, and of the database's threads
  mutable std::mutex mutex;           // guards `opened`; whoever reads has a copy
  std::shared_ptr<database> opened;

  // Of whoever writes.
  commit_count count, attempted;
  std::optional<error> failure;
  bool is_unresolved = false;
  std::vector<bool> outcomes;  // of writes that failed: whether they are in
};

result<std::shared_ptr<database>> storage::impl::use() const {
  const std::lock_guard lock{mutex};
  if (opened) return opened;
  return error{errc::unavailable,
               fmt::format("The log in {} is closed after a failed write and cannot be opened yet.",
                           wanted.directory.string())};
}

result<void> storage::impl::open_for_reading() {
  auto reading = CLOUDFLOW_TRY(database::open(wanted, env, access::reading));
  auto found = CLOUDFLOW_TRY(inspect(*reading, wanted, env));
  notes = std::move(found.notes);
  opened = std::move(reading);
  return {};
}

result<void> storage::impl::open_for_writing() {
  auto made = CLOUDFLOW_TRY(database::open(wanted, env, access::writing));
  const auto recovered = CLOUDFLOW_TRY(recovered_count(*made, wanted.directory));
  auto beside = CLOUDFLOW_TRY(commit_page::open(env.files(), wanted.directory, recovered));
  count = recovered;
  page = std::move(beside);
  made->watch_manifest(*page);
  const std::lock_guard lock{mutex};
  opened = std::move(made);
  return {};
}

storage::storage(std::unique_ptr<impl> parts) : impl_(std::move(parts)) {}
storage::~storage() = default;

result<std::unique_ptr<storage>> storage::open(const options& wanted, const checker& check) {
  auto made = std::unique_ptr<storage>{new storage{std::make_unique<impl>(wanted)}};
  auto& parts = *made->impl_;
  if (!wanted.read_only) {
    const auto is_new = CLOUDFLOW_TRY(make_if_absent(wanted, parts.env));
    if (is_new) return open_new(std::move(made), check);
  }
  CLOUDFLOW_TRY(check_no_owner(wanted, parts.env));
  CLOUDFLOW_TRY(parts.open_for_reading());
  CLOUDFLOW_TRY(check(*made));
  if (wanted.read_only) return made;
  parts.opened.reset();
  CLOUDFLOW_TRY(parts.open_for_writing());
  return made;
}

result<std::unique_ptr<storage>> storage::open_locked(const options& wanted) {
  auto made = std::unique_ptr<storage>{new storage{std::make_unique<impl>(wanted)}};
  CLOUDFLOW_TRY(made->impl_->open_for_reading());
  return made;
}

/// Of one that was made just now there is nothing to inspect.
result<std::unique_ptr<storage>> storage::open_new(std::unique_ptr<storage> made,
                                                   const checker& check) {
  CLOUDFLOW_TRY(made->impl_->open_for_writing());
  CLOUDFLOW_TRY(check(*made));
  return made;
}

const std::vector<std::string>& storage::notes() const noexcept { return impl_->notes; }

// -- reading --------------------------------------------------------------------------------------

result<std::optional<std::string>> storage::get(family where, std::string_view key) const {
  const auto db = CLOUDFLOW_TRY(impl_->use());
  std::string value;
  const auto status = (*db)->Get({}, db->handle(where), slice(key), &value);
  if (status.IsNotFound()) return std::optional<std::string>{};
  if (!status.ok()) return to_error(status, impl_->wanted.directory);
  return std::optional{std::move(value)};
}

result<void> storage::scan(family where, std::string_view from, const visitor& f) const {
  const auto db = CLOUDFLOW_TRY(impl_->use());
  const std::unique_ptr<rocksdb::Iterator> at{
      (*db)->NewIterator(scan_options(where), db->handle(where))};
  at->Seek(slice(from));
  if (const auto status = visit(*at, f); !status.ok())
    return to_error(status, impl_->wanted.directory);
  return {};
}

result<void> storage::scan_from_floor(family where, std::string_view from, const visitor& f) const {
  const auto db = CLOUDFLOW_TRY(impl_->use());
  const std::unique_ptr<rocksdb::Iterator> at{
      (*db)->NewIterator(scan_options(where), db->handle(where))};
  at->SeekForPrev(slice(from));
  if (!at->Valid() && at->status().ok()) at->Seek(slice(from));
  if (const auto status = visit(*at, f); !status.ok())
    return to_error(status, impl_->wanted.directory);
  return {};
}

// -- writing --------------------------------------------------------------------------------------

cloudflow::result<void, write_failure> storage::write(write_set& changes, bool sync,
                                                      std::uint64_t records) {
  if (impl_->failure) return write_failure{*impl_->failure, {}};
  const auto db = impl_->use();
  if (!db) return write_failure{db.error(), {}};
  const commit_count next{impl_->count.commits + 1, impl_->count.records + records};
  byte_writer number;
  put_count(number, next);
  changes.put(family::meta, commits_key, number.view());
  rocksdb::WriteOptions how;
  how.sync = sync;
  const auto status = (**db)->Write(how, &changes.parts().batch);
  if (status.ok()) {
    impl_->count = next;
    // What was not synced must not be in the page: the log would seem to be cut after a loss of
    // power.
    if (sync) impl_->page->write(next);
    return {};
  }
  impl_->failure = to_error(status, impl_->wanted.directory);
  impl_->attempted = next;
  impl_->is_unresolved = true;
  return write_failure{*impl_->failure, impl_->outcomes.size()};
}

result<storage::condition> storage::resume_parked() {
  auto& parts = *impl_;
  if (!parts.failure) return condition::unchanged;
  if (parts.failure->code == errc::corrupt) return *parts.failure;
  CLOUDFLOW_TRY(parts.probe());
  CLOUDFLOW_TRY(parts.close());
  auto found = inspect(parts.wanted, parts.env);
  auto done = found ? parts.open_for_writing() : result<void>{found.error()};
  if (!done) {
    if (done.error().code == errc::corrupt) parts.failure = done.error();
    parts.give_up_writing();
    return std::move(done).error();
  }
  if (std::exchange(parts.is_unresolved, false))
    parts.outcomes.push_back(parts.count.commits >= parts.attempted.commits);
  parts.failure.reset();
  return condition::reopened;
}

bool storage::is_in(std::uint64_t unresolved) const {
  return impl_->outcomes.at(static_cast<std::size_t>(unresolved));
}

result<void> storage::impl::probe() const {
  const auto path = (wanted.directory / probe_name).string();
  auto& files = env.files();
  const auto status = rocksdb::WriteStringToFile(&files, std::string(probe_bytes, '\0'), path,
                                                 /*should_sync=*/true);
  files.DeleteFile(path, {}, nullptr).PermitUncheckedError();
  if (!status.ok()) return to_error(status, wanted.directory);
  return {};
}

result<void> storage::impl::close() {
  std::shared_ptr<database> closing;
  {
    const std::lock_guard lock{mutex};
    closing = std::move(opened);
  }
  for (auto waited = 0ms; closing.use_count() > 1; waited += look_every) {
    if (waited >= readers_patience) {
      const std::lock_guard lock{mutex};
      opened = std::move(closing);
      return error{errc::unavailable,
                   fmt::format("The log in {} is read at this moment and cannot be opened again.",
                               wanted.directory.string())};
    }
    std::this_thread::sleep_for(look_every);
  }
  closing.reset();
  page.reset();
  return {};
}

/// The log stays readable if it can be.
void storage::impl::give_up_writing() {
  auto reading = database::open(wanted, env, access::reading);
  if (!reading) return;
  const std::lock_guard lock{mutex};
  opened = std::move(reading).value();
}

result<void> storage::copy_to(const std::filesystem::path& directory) const {
  const auto db = CLOUDFLOW_TRY(impl_->use());
  return make_checkpoint(*db, impl_->wanted, impl_->env, directory);
}

result<void> storage::reclaim(std::span<const key_range> erased, bool thoroughly) {
  const auto db = CLOUDFLOW_TRY(impl_->use());
  auto* records = db->handle(family::records);
  if (thoroughly) {
    const auto status = (*db)->Flush({}, db->handles());
    if (!status.ok()) return to_error(status, impl_->wanted.directory);
  }
  for (const auto& range : erased) {
    const auto first = slice(range.first), end = slice(range.end);
    auto status = rocksdb::DeleteFilesInRange(db->get(), records, &first, &end,
                                              /*include_end=*/false);
    if (status.ok() && thoroughly) status = (*db)->CompactRange({}, records, &first, &end);
    if (!status.ok()) return to_error(status, impl_->wanted.directory);
  }
  return {};
}

std::uint64_t storage::disk_bytes() const {
  std::vector<rocksdb::Env::FileAttributes> found;
  impl_->env.get()
      ->GetChildrenFileAttributes(impl_->wanted.directory.string(), &found)
      .PermitUncheckedError();
  std::uint64_t sum = 0;
  for (const auto& file : found) sum += file.size_bytes;
  return sum;
}

std::optional<std::uint64_t> storage::free_bytes() const {
  std::uint64_t bytes = 0;
  const auto status =
      impl_->env.files().GetFreeSpace(impl_->wanted.directory.string(), {}, &bytes, nullptr);
  if (!status.ok()) return {};
  return bytes;
}

}  // namespace cloudflow::pubsub::embedded
