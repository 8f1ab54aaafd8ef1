#include "cloudflow/pubsub/embedded/internal/tables.hpp"

#include "cloudflow/pubsub/embedded/internal/table_checksum.hpp"

#include <fmt/format.h>
#include <rocksdb/file_system.h>
#include <rocksdb/metadata.h>

#include <algorithm>

namespace cloudflow::pubsub::embedded {
namespace {

constexpr std::size_t read_size = 256 * 1024;

result<std::string> checksum_of(rocksdb::FileSystem& files, const std::string& path,
                                rocksdb::FileChecksumGenerator& sum,
                                const std::filesystem::path& directory) {
  std::unique_ptr<rocksdb::FSSequentialFile> file;
  auto status = files.NewSequentialFile(path, {}, &file, nullptr);
  if (!status.ok()) return to_error(status, directory);
  std::string buffer(read_size, '\0');
  for (;;) {
    rocksdb::Slice read;
    status = file->Read(buffer.size(), {}, &read, buffer.data(), nullptr);
    if (!status.ok()) return to_error(status, directory);
    if (read.empty()) break;
    sum.Update(read.data(), read.size());
  }
  sum.Finalize();
  return sum.GetChecksum();
}

/// Records last: they are many, and each read of them is checked.
bool goes_first(const rocksdb::LiveFileMetaData& a, const rocksdb::LiveFileMetaData& b) {
  const auto is_bulk = [](const auto& table) { return table.column_family_name == "records"; };
  return is_bulk(a) != is_bulk(b) ? is_bulk(b) : a.size < b.size;
}

}  // namespace

result<std::vector<bad_table>> find_bad_tables(const database& opened, const options& wanted,
                                               const environment& env, std::uint64_t most_bytes) {
  std::vector<rocksdb::LiveFileMetaData> tables;
  opened->GetLiveFilesMetaData(&tables);
  std::sort(tables.begin(), tables.end(), goes_first);
  std::vector<bad_table> bad;
  for (const auto& table : tables) {
    if (table.size > most_bytes) break;
    most_bytes -= table.size;
    const auto path = (wanted.directory / table.relative_filename).string();
    const auto sum = table_checksum(table.file_checksum_func_name);
    const auto found = CLOUDFLOW_TRY(checksum_of(env.files(), path, *sum, wanted.directory));
    if (found != table.file_checksum)
      bad.push_back(
          {path, fmt::format("its file {} is not what was written", table.relative_filename)});
  }
  return bad;
}

}  // namespace cloudflow::pubsub::embedded
