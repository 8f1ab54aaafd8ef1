#include "cloudflow/pubsub/embedded/internal/commit_page.hpp"

#include "cloudflow/pubsub/embedded/internal/database.hpp"

#include <rocksdb/file_system.h>

namespace cloudflow::pubsub::embedded {
namespace {

constexpr std::size_t page_size = 4096;
// A slot lies in a sector of its own: a sector is written as a whole, or not.
constexpr std::size_t slot_distance = 512, slots = 2, slot_size = 3 * sizeof(std::uint64_t);
constexpr std::size_t counts_at = 0, manifests_at = slots * slot_distance;
constexpr std::uint64_t seed = 0x436c6f7564666c6f;

/// Two numbers of which the first grows.
struct slot {
  std::uint64_t first = 0, second = 0;
};

/// The finaliser of SplitMix64: each bit of the input changes half of the output's.
std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

std::uint64_t checksum(const slot& s) { return mix(s.first ^ mix(s.second ^ seed)); }

std::string encode(const slot& s) {
  byte_writer out;
  out.put_big_endian(s.first);
  out.put_big_endian(s.second);
  out.put_big_endian(checksum(s));
  return std::string{out.view()};
}

std::optional<slot> decode(std::string_view bytes) {
  byte_reader in{bytes};
  slot s;
  s.first = in.get_big_endian<std::uint64_t>();
  s.second = in.get_big_endian<std::uint64_t>();
  const auto check = in.get_big_endian<std::uint64_t>();
  if (!in.ok() || check != checksum(s)) return {};
  return s;
}

/// The newer one of two slots.
std::optional<slot> newest(std::string_view page, std::size_t at) {
  std::optional<slot> found;
  for (std::size_t i = 0; i != slots; ++i, at += slot_distance) {
    if (page.size() < at + slot_size) break;
    const auto s = decode(page.substr(at, slot_size));
    if (s && (!found || std::pair{s->first, s->second} > std::pair{found->first, found->second}))
      found = s;
  }
  return found;
}

std::size_t place_of(const commit_count& count) {
  return counts_at + static_cast<std::size_t>(count.commits % slots) * slot_distance;
}

std::string path_of(const std::filesystem::path& directory) {
  return (directory / commit_page::file_name).string();
}

result<void> make(rocksdb::FileSystem& files, const std::filesystem::path& directory,
                  const commit_count& count) {
  std::string page(page_size, '\0');
  page.replace(place_of(count), slot_size, encode({count.commits, count.records}));
  const auto status = rocksdb::WriteStringToFile(&files, slice(page), path_of(directory),
                                                 /*should_sync=*/true);
  if (!status.ok()) return to_error(status, directory);
  return {};
}

}  // namespace

result<commit_page::content> commit_page::read(rocksdb::FileSystem& files,
                                               const std::filesystem::path& directory) {
  std::string page;
  const auto status = rocksdb::ReadFileToString(&files, path_of(directory), &page);
  content found;
  if (status.IsNotFound() || status.IsPathNotFound()) return found;
  if (!status.ok()) return to_error(status, directory);
  if (const auto count = newest(page, counts_at)) found.count = {count->first, count->second};
  if (const auto tables = newest(page, manifests_at))
    found.tables = {tables->first, tables->second};
  return found;
}

result<std::unique_ptr<commit_page>> commit_page::open(rocksdb::FileSystem& files,
                                                       const std::filesystem::path& directory,
                                                       const commit_count& count) {
  const auto known = CLOUDFLOW_TRY(read(files, directory));
  if (!known.count) {
    CLOUDFLOW_TRY(make(files, directory, count));
  }
  std::unique_ptr<rocksdb::FSRandomRWFile> file;
  const auto status = files.NewRandomRWFile(path_of(directory), {}, &file, nullptr);
  if (!status.ok()) return to_error(status, directory);
  std::unique_ptr<commit_page> page{new commit_page{std::move(file)}};
  if (!page->write(count))
    return error{errc::unavailable, path_of(directory) + " cannot be written."};
  return page;
}

commit_page::commit_page(std::unique_ptr<rocksdb::FSRandomRWFile> file) : file_(std::move(file)) {}
commit_page::~commit_page() = default;

bool commit_page::write(const commit_count& count) {
  const auto bytes = encode({count.commits, count.records});
  return file_->Write(place_of(count), slice(bytes), {}, nullptr).ok();
}

bool commit_page::write(const manifest& tables) {
  const std::lock_guard lock{mutex_};
  const auto at = manifests_at + (++manifests_written_ % slots) * slot_distance;
  const auto bytes = encode({tables.number, tables.bytes});
  return file_->Write(at, slice(bytes), {}, nullptr).ok();
}

}  // namespace cloudflow::pubsub::embedded
