#include "cloudflow/pubsub/embedded/internal/log_file.hpp"

#include <rocksdb/file_checksum.h>
#include <rocksdb/file_system.h>

#include <algorithm>

namespace cloudflow::pubsub::embedded {

std::uint32_t little_endian(std::string_view bytes) {
  std::uint32_t number = 0;
  for (auto i = bytes.size(); i-- > 0;) number = number << 8 | static_cast<unsigned char>(bytes[i]);
  return number;
}

namespace {

// The format is RocksDB's (db/log_format.h): blocks of 32 KiB, in which fragments follow one
// another; a rest that no header fits into is zero. A fragment is its checksum (4 bytes), the size
// of what it holds (2), its type (1), for types that name their file also its number (4), and what
// it holds. The checksum covers everything from the type on.
constexpr std::size_t block_size = 32 * 1024;
constexpr std::size_t header_size = 7, file_number_size = 4, type_at = 6;
constexpr std::uint32_t mask_delta = 0xa282ead8;
enum : std::uint8_t {
  full = 1,
  first = 2,
  recyclable_full = 5,
  recyclable_first = 6,
  recyclable_last = 8,
  most = 11
};

std::uint32_t masked_crc(std::string_view bytes) {
  const auto sum = rocksdb::GetFileChecksumGenCrc32cFactory()->CreateFileChecksumGenerator({});
  sum->Update(bytes.data(), bytes.size());
  sum->Finalize();
  std::uint32_t crc = 0;
  for (const char c : sum->GetChecksum()) crc = crc << 8 | static_cast<unsigned char>(c);
  return (crc >> 15 | crc << 17) + mask_delta;
}

struct fragment {
  std::size_t size = 0;  ///< 0: there is no telling where the next one begins
  std::uint8_t type = 0;
  bool is_intact = false;
};

fragment read_fragment(std::string_view rest) {
  fragment f;
  f.type = static_cast<std::uint8_t>(rest[type_at]);
  const auto held = little_endian(rest.substr(4, 2));
  const bool names_file = f.type >= recyclable_full && f.type <= recyclable_last;
  const auto size = header_size + (names_file ? file_number_size : 0) + held;
  if (f.type == 0 || f.type > most || size > rest.size()) return f;
  f.size = size;
  f.is_intact =
      masked_crc(rest.substr(type_at, size - type_at)) == little_endian(rest.substr(0, 4));
  return f;
}

bool begins_record(std::uint8_t type) {
  return type == full || type == first || type == recyclable_full || type == recyclable_first;
}

}  // namespace

void scan_block(std::string_view block, std::uint64_t at, log_file_scan& so_far, bool& is_broken) {
  std::size_t next = 0;
  while (next + header_size <= block.size()) {
    const auto f = read_fragment(block.substr(next));
    is_broken |= !f.is_intact;
    if (f.size == 0) return;
    next += f.size;
    if (!is_broken)
      so_far.intact_bytes = at + next;
    else if (f.is_intact && begins_record(f.type))
      so_far.has_records_behind = true;
  }
}

result<log_file_scan> scan_log_file(rocksdb::FileSystem& files, const std::string& path,
                                    const std::filesystem::path& directory) {
  std::unique_ptr<rocksdb::FSSequentialFile> file;
  auto status = files.NewSequentialFile(path, {}, &file, nullptr);
  if (!status.ok()) return to_error(status, directory);
  log_file_scan found;
  bool is_broken = false;
  std::string buffer(block_size, '\0');
  for (std::uint64_t at = 0;; at += block_size) {
    rocksdb::Slice block;
    status = file->Read(buffer.size(), {}, &block, buffer.data(), nullptr);
    if (!status.ok()) return to_error(status, directory);
    if (block.empty()) return found;
    scan_block(view(block), at, found, is_broken);
  }
}

std::uint64_t manifest_number(std::string_view name) {
  constexpr std::string_view manifest_prefix = "MANIFEST-";
  const auto at = name.rfind(manifest_prefix);
  std::uint64_t number = 0;
  if (at == std::string_view::npos) return number;
  name.remove_prefix(at + manifest_prefix.size());
  for (const char c : name) {
    if (c < '0' || c > '9') break;
    number = number * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return number;
}

}  // namespace cloudflow::pubsub::embedded
