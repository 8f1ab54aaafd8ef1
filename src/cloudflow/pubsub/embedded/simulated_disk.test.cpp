#include "cloudflow/pubsub/embedded/simulated_disk.hpp"

#include <gtest/gtest.h>
#include <rocksdb/file_system.h>

#include <memory>
#include <set>
#include <string>

namespace cloudflow::pubsub::embedded {
namespace {

TEST(simulated_disk, what_a_loss_of_power_has_left_of_an_overwritten_file_stays) {
  std::set<std::string> left;
  for (std::uint64_t seed = 1; seed != 30; ++seed) {
    simulated_disk disk{seed};
    disk.set_contents({{"/f", "old"}});
    std::unique_ptr<rocksdb::FSRandomRWFile> file;
    ASSERT_TRUE(disk.file_system()->NewRandomRWFile("/f", {}, &file, nullptr).ok());
    ASSERT_TRUE(file->Write(0, "new", {}, nullptr).ok());
    disk.power_off();
    disk.power_on();
    const auto found = disk.contents();
    left.insert(found.at("/f"));
    for (int i = 0; i != 5; ++i) {
      disk.power_off();
      disk.power_on();
      EXPECT_EQ(disk.contents(), found) << seed;
    }
  }
  EXPECT_EQ(left, (std::set<std::string>{"old", "new"}));
}

}  // namespace
}  // namespace cloudflow::pubsub::embedded
