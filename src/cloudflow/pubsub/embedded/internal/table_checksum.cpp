#include "cloudflow/pubsub/embedded/internal/table_checksum.hpp"

#include "cloudflow/base/bytes.hpp"

// No library. NOLINTNEXTLINE(readability-identifier-naming): xxHash calls it so
#define XXH_INLINE_ALL
// Its state is a member. NOLINTNEXTLINE(readability-identifier-naming)
#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

namespace cloudflow::pubsub::embedded {
namespace {

constexpr auto generator_name = "cloudflow.XXH3_64";

class xxh3_generator final : public rocksdb::FileChecksumGenerator {
public:
  xxh3_generator() { XXH3_64bits_reset(&state_); }
  void Update(const char* data, std::size_t n) override { XXH3_64bits_update(&state_, data, n); }
  void Finalize() override {
    byte_writer out;
    out.put_big_endian(std::uint64_t{XXH3_64bits_digest(&state_)});
    sum_ = out.view();
  }
  std::string GetChecksum() const override { return sum_; }
  const char* Name() const override { return generator_name; }

private:
  XXH3_state_t state_{};
  std::string sum_;
};

class generators final : public rocksdb::FileChecksumGenFactory {
public:
  std::unique_ptr<rocksdb::FileChecksumGenerator> CreateFileChecksumGenerator(
      const rocksdb::FileChecksumGenContext& context) override {
    if (context.requested_checksum_func_name == rocksdb::kStandardDbFileChecksumFuncName)
      return rocksdb::GetFileChecksumGenCrc32cFactory()->CreateFileChecksumGenerator(context);
    return std::make_unique<xxh3_generator>();
  }
  const char* Name() const override { return "cloudflow.table_checksums"; }
};

}  // namespace

std::shared_ptr<rocksdb::FileChecksumGenFactory> table_checksums() {
  return std::make_shared<generators>();
}

std::unique_ptr<rocksdb::FileChecksumGenerator> table_checksum(const std::string& name) {
  return generators{}.CreateFileChecksumGenerator(
      {.file_name = {}, .requested_checksum_func_name = name});
}

}  // namespace cloudflow::pubsub::embedded
