#include "cloudflow/pubsub/embedded/internal/table_end.hpp"

#include "cloudflow/pubsub/embedded/internal/log_file.hpp"

// No library. NOLINTNEXTLINE(readability-identifier-naming): xxHash calls it so
#define XXH_INLINE_ALL
#include <rocksdb/file_system.h>
#include <xxhash.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace cloudflow::pubsub::embedded {
namespace {

// The format is RocksDB's (table/format.h, footers of version 1 to 5). A table ends with a footer:
// the kind of its checksums (1 byte), where the index of its parts is and other places, as varints
// (40), its version (4), a magic number (8). Behind each block stand its type (1) and its checksum
// (4). An entry of the index: the length of what its key shares with the one before, of the rest of
// its key, and of its value, a place, as varints; then both. It ends with the places of some
// entries, and their number (4).
constexpr std::size_t footer_size = 53, version_at = 41, magic_at = 45, trailer_size = 5;
constexpr std::string_view magic = "\xf7\xcf\xf4\x85\xb7\x41\xe2\x88";
constexpr std::uint32_t newest_version = 5;
constexpr char kind_xxh3 = 4;
constexpr std::uint32_t factor_of_type = 0x6b9083d9;
constexpr std::string_view properties = "rocksdb.properties";

/// Takes varints and bytes from the front; nothing more behind the end.
class cursor {
public:
  explicit cursor(std::string_view bytes) : left_(bytes) {}
  bool empty() const noexcept { return left_.empty(); }
  std::uint64_t number() {
    std::uint64_t n = 0;
    for (unsigned shift = 0; shift < 64 && !left_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(left_.front());
      left_.remove_prefix(1);
      n |= std::uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) break;
    }
    return n;
  }
  std::string_view bytes(std::uint64_t count) {
    const auto taken = left_.substr(0, count);
    left_.remove_prefix(taken.size());
    return taken;
  }

private:
  std::string_view left_;
};

struct place {
  std::uint64_t offset, size;
};
place place_in(std::string_view bytes) {
  cursor at{bytes};
  const auto offset = at.number();
  return {offset, at.number()};
}

class table {
public:
  table(const rocksdb::FSRandomAccessFile& file, std::uint64_t size) : file_(file), size_(size) {}

  std::optional<std::string> read(place of) const {
    if (of.size > size_ || of.offset > size_ - of.size) return {};
    std::string bytes(of.size, '\0');
    rocksdb::Slice got;
    const auto status = file_.Read(of.offset, of.size, {}, &got, bytes.data(), nullptr);
    if (!status.ok() || got.size() != of.size) return {};
    return std::string{got.data(), got.size()};
  }
  std::optional<std::string> footer() const {
    if (size_ < footer_size) return {};
    auto bytes = read({size_ - footer_size, footer_size});
    if (!bytes || !std::string_view{*bytes}.ends_with(magic)) return {};
    return bytes;
  }
  /// With its trailer.
  std::optional<std::string> block(place of) const {
    return of.size > size_ ? std::nullopt : read({of.offset, of.size + trailer_size});
  }

private:
  const rocksdb::FSRandomAccessFile& file_;
  const std::uint64_t size_;
};

bool is_intact(std::string_view block) {
  const auto content = block.substr(0, block.size() - trailer_size);
  const auto sum = static_cast<std::uint32_t>(XXH3_64bits(content.data(), content.size()));
  const auto type = static_cast<unsigned char>(block[content.size()]);
  return (sum ^ type * factor_of_type) == little_endian(block.substr(content.size() + 1));
}

std::optional<place> find_properties(std::string_view index) {
  index.remove_suffix(trailer_size);
  if (index.size() < sizeof(std::uint32_t)) return {};
  const auto places =
      sizeof(std::uint32_t) * (1 + std::uint64_t{little_endian(index.substr(index.size() - 4))});
  if (places > index.size()) return {};
  std::string key;
  for (cursor at{index.substr(0, index.size() - places)}; !at.empty();) {
    const auto shared = at.number(), rest = at.number(), value = at.number();
    key.resize(std::min<std::uint64_t>(shared, key.size()));
    key += at.bytes(rest);
    const auto where = at.bytes(value);
    if (key == properties) return place_in(where);
  }
  return {};
}

}  // namespace

bool are_properties_intact(rocksdb::FileSystem& files, const std::string& path) {
  std::uint64_t size = 0;
  std::unique_ptr<rocksdb::FSRandomAccessFile> file;
  if (!files.GetFileSize(path, {}, &size, nullptr).ok() ||
      !files.NewRandomAccessFile(path, {}, &file, nullptr).ok())
    return true;
  const table whole{*file, size};
  const auto footer = whole.footer();
  if (!footer || footer->front() != kind_xxh3 ||
      little_endian(std::string_view{*footer}.substr(version_at, magic_at - version_at)) >
          newest_version)
    return true;
  const auto index = whole.block(place_in(std::string_view{*footer}.substr(1)));
  if (!index || !is_intact(*index)) return true;
  const auto where = find_properties(*index);
  if (!where) return true;
  const auto found = whole.block(*where);
  return !found || is_intact(*found);
}

}  // namespace cloudflow::pubsub::embedded
