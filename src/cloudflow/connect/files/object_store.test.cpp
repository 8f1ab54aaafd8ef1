#include "cloudflow/connect/files/object_store.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace cloudflow::connect {
namespace {

namespace fs = std::filesystem;

class directory_store_test : public testing::Test {
protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "cloudflow-store-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    top_ = name;
    root_ = top_ / "root";
    write("root/logs/payments.log", "hello");
    write("outside.log", "secret");
    auto opened = open_directory_store(root_);
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(opened).value();
  }
  void TearDown() override { fs::remove_all(top_); }

  void write(const std::string& path, std::string_view text) const {
    fs::create_directories((top_ / path).parent_path());
    std::ofstream{top_ / path, std::ios::binary} << text;
  }
  std::string code_of(std::string_view key) const {
    const auto head = store_->head(key);
    return head ? "found" : std::string{to_string(head.error().code)};
  }
  std::vector<std::string> keys(std::string_view prefix, std::string_view after = {},
                                std::size_t limit = 1000) const {
    std::vector<std::string> found;
    const auto listed = store_->list(prefix, after, limit);
    EXPECT_TRUE(listed) << listed.error().message;
    if (!listed) return found;
    for (const auto& object : *listed) found.push_back(object.key);
    return found;
  }

  fs::path top_, root_;
  std::unique_ptr<object_store> store_;
};
using keys_t = std::vector<std::string>;

TEST_F(directory_store_test, gives_size_time_and_the_md5_of_the_content) {
  const auto head = store_->head("logs/payments.log");
  ASSERT_TRUE(head) << head.error().message;
  EXPECT_EQ(head->size, 5u);
  EXPECT_EQ(head->etag, "5d41402abc4b2a76b9719d911017c592");
  const auto written = fs::last_write_time(root_ / "logs/payments.log");
  EXPECT_EQ(head->last_modified, std::chrono::floor<std::chrono::milliseconds>(
                                     fs::file_time_type::clock::to_sys(written)));
}

TEST_F(directory_store_test, knows_an_object_that_is_written_again_and_one_that_is_changed) {
  const auto before = store_->head("logs/payments.log").value().etag;
  write("root/logs/payments.log", "hello");
  write("root/copy.log", "hello");
  EXPECT_EQ(store_->head("logs/payments.log").value().etag, before);
  EXPECT_EQ(store_->head("copy.log").value().etag, before);
  const auto time = fs::last_write_time(root_ / "logs/payments.log");
  write("root/logs/payments.log", "hallo");
  fs::last_write_time(root_ / "logs/payments.log", time);
  EXPECT_NE(store_->head("logs/payments.log").value().etag, before);
}

TEST_F(directory_store_test, reads_ranges_and_nothing_behind_the_end) {
  const auto object = store_->open("logs/payments.log");
  ASSERT_TRUE(object) << object.error().message;
  std::array<char, 3> buf{};
  ASSERT_EQ((*object)->read(1, buf).value(), 3u);
  EXPECT_EQ((std::string_view{buf.data(), 3}), "ell");
  ASSERT_EQ((*object)->read(3, buf).value(), 2u);
  EXPECT_EQ((std::string_view{buf.data(), 2}), "lo");
  EXPECT_EQ((*object)->read(5, buf).value(), 0u);
  EXPECT_EQ((*object)->read(500, buf).value(), 0u);
}

TEST_F(directory_store_test, does_not_mix_two_versions_of_an_object) {
  const auto object = store_->open("logs/payments.log");
  ASSERT_TRUE(object);
  write("root/logs/payments.log", "hello and more");
  std::array<char, 100> buf{};
  const auto read = (*object)->read(0, buf);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, object_errc::changed);
  EXPECT_TRUE(read.error().retriable());
}

TEST_F(directory_store_test, goes_on_reading_the_version_it_opened_when_another_takes_its_name) {
  const auto object = store_->open("logs/payments.log");
  ASSERT_TRUE(object);
  write("root/new", "hello and more");
  fs::rename(root_ / "new", root_ / "logs/payments.log");
  std::array<char, 100> buf{};
  EXPECT_EQ((*object)->read(0, buf).value(), 5u);
}

TEST_F(directory_store_test, says_what_is_not_there) {
  for (const std::string key : {"none.log", "logs", "logs/payments.log/x", "logs/none"})
    EXPECT_EQ(code_of(key), "not found") << key;
  const auto missing = store_->head("none.log");
  ASSERT_FALSE(missing);
  EXPECT_TRUE(missing.error().retriable());
  EXPECT_EQ(missing.error().message, "cannot open object 'none.log': No such file or directory");
}

TEST_F(directory_store_test, says_what_may_not_be_read) {
  fs::permissions(root_ / "logs/payments.log", fs::perms::none);
  // Root may read everything, so it is somebody else for this one call.
  constexpr uid_t nobody = 65534;
  const bool is_root = ::geteuid() == 0;
  if (is_root) {
    fs::permissions(top_, fs::perms::all);
    ASSERT_EQ(::seteuid(nobody), 0);
  }
  const auto code = code_of("logs/payments.log");
  if (is_root) {
    ASSERT_EQ(::seteuid(0), 0);
  }
  EXPECT_EQ(code, "forbidden");
}

TEST_F(directory_store_test, lets_no_key_out_of_its_directory) {
  const std::string with_nul{"logs\0/payments.log", 18};
  for (const std::string& key :
       {std::string{}, std::string{"/etc/passwd"}, std::string{"../outside.log"},
        std::string{"logs/../../outside.log"}, std::string{"logs/../logs/payments.log"},
        std::string{"./logs/payments.log"}, std::string{"logs//payments.log"}, std::string{"logs/"},
        with_nul, std::string(300, 'x')}) {
    EXPECT_EQ(code_of(key), "invalid key") << key;
    const auto head = store_->head(key);
    EXPECT_FALSE(head.error().retriable());
  }
}

TEST_F(directory_store_test, follows_symbolic_links_that_stay_inside_only) {
  fs::create_symlink("logs/payments.log", root_ / "inside.log");
  fs::create_symlink("../outside.log", root_ / "outside.log");
  fs::create_directory_symlink("..", root_ / "up");
  fs::create_directory_symlink(top_, root_ / "top");
  write("root-beside/x.log", "secret");
  fs::create_symlink(top_ / "root-beside/x.log", root_ / "beside.log");
  fs::create_symlink("nothing", root_ / "dangling.log");
  EXPECT_EQ(code_of("inside.log"), "found");
  for (const std::string key : {"outside.log", "up/outside.log", "top/outside.log", "beside.log"})
    EXPECT_EQ(code_of(key), "invalid key") << key;
  EXPECT_EQ(code_of("dangling.log"), "not found");
  EXPECT_EQ(keys(""), (keys_t{"inside.log", "logs/payments.log"}));
}

TEST_F(directory_store_test, does_not_wait_for_the_other_end_of_a_pipe) {
  ASSERT_EQ(::mkfifo((root_ / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(code_of("pipe"), "not found");
}

TEST_F(directory_store_test, lists_keys_in_the_order_of_their_bytes_and_in_pages) {
  for (const auto* path : {"root/a/2.log", "root/a.log", "root/a/10.log", "root/b.log"})
    write(path, "x");
  EXPECT_EQ(keys(""), (keys_t{"a.log", "a/10.log", "a/2.log", "b.log", "logs/payments.log"}));
  EXPECT_EQ(keys("a"), (keys_t{"a.log", "a/10.log", "a/2.log"}));
  EXPECT_EQ(keys("a/"), (keys_t{"a/10.log", "a/2.log"}));
  EXPECT_EQ(keys("", "", 2), (keys_t{"a.log", "a/10.log"}));
  EXPECT_EQ(keys("", "a/10.log", 2), (keys_t{"a/2.log", "b.log"}));
  EXPECT_EQ(keys("", "z"), keys_t{});
}

TEST_F(directory_store_test, is_not_opened_where_there_is_no_directory) {
  EXPECT_FALSE(open_directory_store(top_ / "nowhere"));
  const auto file = open_directory_store(top_ / "outside.log");
  ASSERT_FALSE(file);
  EXPECT_NE(file.error().message.find("Not a directory"), std::string::npos)
      << file.error().message;
}

}  // namespace
}  // namespace cloudflow::connect
