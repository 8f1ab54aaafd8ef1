#include "cloudflow/pubsub/embedded/internal/table_checksum.hpp"

#include <gtest/gtest.h>

namespace cloudflow::pubsub::embedded {
namespace {

std::string sum_of(const std::string& generator, std::initializer_list<std::string> parts) {
  const auto sum = table_checksum(generator);
  for (const auto& part : parts) sum->Update(part.data(), part.size());
  sum->Finalize();
  return sum->GetChecksum();
}

TEST(TableChecksum, IsTheXxh3OfAllBytesInWhateverPartsTheyCome) {
  // Of nothing, as the specification of xxHash gives it.
  EXPECT_EQ(sum_of({}, {}), (std::string{"\x2d\x06\x80\x05\x38\xd3\x94\xc2"}));
  const std::string first(300, 'a'), second(70'000, 'b');
  EXPECT_EQ(sum_of({}, {first, "", second}), sum_of({}, {first + second}));
  EXPECT_NE(sum_of({}, {first, second}), sum_of({}, {second, first}));
}

TEST(TableChecksum, OfATableThatWasWrittenWithRocksDbsOwnIsThatOne) {
  EXPECT_EQ(sum_of(rocksdb::kStandardDbFileChecksumFuncName, {"123456789"}),
            (std::string{"\xe3\x06\x92\x83", 4}));
}

TEST(TableChecksum, IsNamedInWhatTheManifestSaysOfATable) {
  EXPECT_EQ(table_checksum({})->Name(), table_checksums()->CreateFileChecksumGenerator({})->Name());
  EXPECT_NE(table_checksum({})->Name(), std::string{rocksdb::kStandardDbFileChecksumFuncName});
}

}  // namespace
}  // namespace cloudflow::pubsub::embedded
