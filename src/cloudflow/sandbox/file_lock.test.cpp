#include "cloudflow/sandbox/file_lock.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

namespace cloudflow::sandbox {
namespace {

namespace fs = std::filesystem;

/// In an empty directory, which is the current one.
class private_directory : public testing::Test {
protected:
  private_directory() : before_(fs::current_path()) {
    std::string name = (fs::temp_directory_path() / "cloudflow-private-XXXXXX").string();
    empty_ = ::mkdtemp(name.data());
    fs::current_path(empty_);
  }
  ~private_directory() override {
    fs::current_path(before_);
    fs::remove_all(empty_);
  }

private:
  fs::path before_, empty_;
};

TEST_F(private_directory, is_made_for_its_owner_alone_whatever_way_it_is_named) {
  for (const fs::path& name : {fs::path{".cloudflow"}, fs::path{"a/b/c"}, fs::absolute("d")}) {
    const auto made = make_private_directory(name);
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_EQ(fs::status(name).permissions(), fs::perms::owner_all) << name;
  }
}

TEST_F(private_directory, that_is_there_stays_as_it_is) {
  fs::create_directory("mine");
  fs::permissions("mine", fs::perms::owner_all | fs::perms::group_read);
  EXPECT_TRUE(make_private_directory("mine"));
  EXPECT_EQ(fs::status("mine").permissions(), fs::perms::owner_all | fs::perms::group_read);
}

TEST_F(private_directory, that_cannot_be_made_is_said_with_its_name) {
  const auto made = make_private_directory("/proc/nowhere/state");
  ASSERT_FALSE(made);
  EXPECT_TRUE(made.error().message.starts_with("/proc/nowhere/state: cannot be created: "))
      << made.error().message;
}

}  // namespace
}  // namespace cloudflow::sandbox
