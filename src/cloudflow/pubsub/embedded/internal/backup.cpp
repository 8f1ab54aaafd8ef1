#include "cloudflow/pubsub/embedded/internal/backup.hpp"

#include <fmt/format.h>
#include <rocksdb/file_system.h>
#include <rocksdb/utilities/checkpoint.h>

#include <memory>

namespace cloudflow::pubsub::embedded {

result<void> make_checkpoint(const database& opened, const options& wanted, const environment& env,
                             const std::filesystem::path& to) {
  rocksdb::Checkpoint* raw = nullptr;
  auto status = rocksdb::Checkpoint::Create(opened.get(), &raw);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint{raw};
  if (status.ok()) status = checkpoint->CreateCheckpoint(to.string());
  if (!status.ok())
    return error{errc::unavailable,
                 fmt::format("The log in {} cannot be copied to {}: {}", wanted.directory.string(),
                             to.string(), status.ToString())};
  auto copy = wanted;
  copy.directory = to;
  // The copy says itself how far it has come.
  const auto found = CLOUDFLOW_TRY(inspect(copy, env));
  CLOUDFLOW_TRY(commit_page::open(env.files(), to, found.recovered));
  if (wanted.file_system) return {};
  std::error_code failed;
  std::filesystem::permissions(to, std::filesystem::perms::owner_all, failed);
  if (failed)
    return error{errc::failed,
                 fmt::format("{}: cannot be closed to others: {}", to.string(), failed.message())};
  return {};
}

}  // namespace cloudflow::pubsub::embedded
