/// Checking, copying and salvaging the files of a log.
#include "cloudflow/pubsub/embedded/upkeep.hpp"

#include "cloudflow/pubsub/embedded/damage.hpp"
#include "cloudflow/pubsub/embedded/log_fixture.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <set>

namespace cloudflow::pubsub::embedded {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// A damaged log on a disk of the test's own.
class fault_c15 : public testing::Test {
protected:
  fault_c15() { disk_.set_contents(files_); }

  options in(const std::filesystem::path& directory) {
    return {.directory = directory, .file_system = disk_.file_system()};
  }
  std::string& bytes_of(const std::string& kind) { return files_.at(log_.path_of(kind)); }
  void put_files() { disk_.set_contents(files_); }
  void flip_bit(const std::string& kind) {
    auto& bytes = bytes_of(kind);
    bytes[bytes.size() / 2] ^= 1;
    put_files();
  }
  std::unique_ptr<log> open_log(const std::filesystem::path& directory) {
    auto opened = embedded::open(in(directory), clock_);
    EXPECT_TRUE(opened) << opened.error().message;
    return std::move(opened).value();
  }
  std::int64_t records_in(const log& from, int partition) {
    const auto found =
        from.read({"t", partition_id{partition}}, record_offset{0}, {10'000, 1 << 30});
    EXPECT_TRUE(found) << found.error().message;
    return static_cast<std::int64_t>(found->records().size());
  }

  virtual_clock clock_;
  const damaged_log log_{damaged_log::ended::killed};
  file_map files_ = log_.files();
  simulated_disk disk_{1};
};

TEST_F(fault_c15, a_sound_log_has_no_problems) {
  const auto found = check(in("/log"));
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_THAT(found->problems, IsEmpty());
  EXPECT_THAT(found->notes, IsEmpty());
  EXPECT_EQ(found->commits, 61u);
  EXPECT_EQ(found->records, 60u);
  ASSERT_EQ(found->partitions.size(), 2u);
  EXPECT_EQ(found->partitions[0].records, 30);
  EXPECT_EQ(disk_.contents(), files_);
}

TEST_F(fault_c15, a_check_names_what_is_damaged_and_changes_nothing) {
  flip_bit("SST");
  const auto found = check(in("/log"));
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_THAT(found->problems, Contains(HasSubstr(".sst")));
  EXPECT_EQ(disk_.contents(), files_);
  files_ = log_.files();
  flip_bit("WAL");
  EXPECT_THAT(check(in("/log"))->problems, Contains(HasSubstr("are lost")));
  EXPECT_EQ(disk_.contents(), files_);
}

TEST_F(fault_c15, a_check_needs_a_log_that_nobody_has_open) {
  EXPECT_THAT(check(in("/none")).error().message, HasSubstr("There is no log"));
  const auto opened = open_log("/log");
  EXPECT_EQ(check(in("/log")).error().code, errc::in_use);
}

TEST_F(fault_c15, a_backup_is_made_while_the_log_goes_on) {
  const auto log = open_log("/log");
  const auto done = log->backup("/copy");
  ASSERT_TRUE(done) << done.error().message;
  write(*log, "t", {"later"});
  EXPECT_EQ(records_in(*log, 0), 31);
  const auto found = check(in("/copy"));
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_THAT(found->problems, IsEmpty());
  EXPECT_THAT(found->notes, IsEmpty());
  const auto copy = open_log("/copy");
  EXPECT_EQ(records_in(*copy, 0), 30);
  EXPECT_EQ(copy->position("g", t0).value(), record_offset{59});
  EXPECT_EQ(copy->state().find("s", {}, "last").value(), "59");
}

TEST_F(fault_c15, what_is_in_front_of_a_cut_is_salvaged_and_the_loss_is_counted) {
  bytes_of("WAL") = log_.older().at(log_.path_of("WAL"));
  put_files();
  const auto found = salvage(in("/log"), "/new");
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->commits_lost, 10u);
  EXPECT_EQ(found->records_lost, 10u);
  EXPECT_THAT(found->losses, IsEmpty());
  const auto saved = open_log("/new");
  EXPECT_EQ(records_in(*saved, 0) + records_in(*saved, 1), 50);
  EXPECT_EQ(saved->state().find("s", {}, "last").value(), "49");
  for (const auto& [path, bytes] : files_) EXPECT_EQ(disk_.contents().at(path), bytes) << path;
}

/// The table with the records of the first half.
std::string records_table(const damaged_log& log) {
  std::string largest;
  for (const auto& [path, bytes] : log.files())
    if (path.ends_with(".sst") &&
        (largest.empty() || bytes.size() > log.files().at(largest).size()))
      largest = path;
  return largest;
}

TEST_F(fault_c15, records_around_a_damaged_block_are_salvaged_and_move_up) {
  auto& bytes = files_.at(records_table(log_));
  bytes[bytes.size() / 4] ^= 1;
  put_files();
  const auto found = salvage(in("/log"), "/new");
  ASSERT_TRUE(found) << found.error().message;
  // What lies behind the block in partition 0 has smaller keys than the block's last one.
  ASSERT_EQ(found->losses.size(), 1u);
  EXPECT_EQ(to_string(found->losses[0].source), "t/1");
  EXPECT_EQ(found->losses[0].records, 15);
  EXPECT_THAT(found->losses[0].where, ElementsAre("records 0 to 14"));
  EXPECT_EQ(found->records_lost, 45u);
  EXPECT_THAT(found->notes, Contains(HasSubstr("30 records are missing at the ends")));
  EXPECT_THAT(found->notes,
              Contains(AllOf(HasSubstr("group g"), HasSubstr("59"), HasSubstr("to 0"))));
  const auto saved = open_log("/new");
  EXPECT_EQ(records_in(*saved, 0), 0);
  EXPECT_EQ(records_in(*saved, 1), 15);
  write(*saved, "t", {"next"});
  EXPECT_EQ(records_in(*saved, 0), 1);
  EXPECT_THAT(check(in("/log"))->problems, testing::Not(IsEmpty()));
}

TEST_F(fault_c15, without_manifest_or_CURRENT_everything_is_salvaged) {
  for (const std::string kind : {"CURRENT", "MANIFEST"}) {
    files_ = log_.files();
    files_.erase(log_.path_of(kind));
    put_files();
    const auto found = salvage(in("/log"), "/new");
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(found->records_lost, 0u);
    const auto saved = open_log("/new");
    EXPECT_EQ(records_in(*saved, 0), 30);
    EXPECT_EQ(records_in(*saved, 1), 30);
    EXPECT_EQ(saved->position("g", t0).value(), record_offset{30})
        << "behind the end of that partition nobody can be";
    // The simulated disk lists no directories, so `lost` of RocksDB's repair stays on it.
    for (const auto& [name, content] : disk_.contents())
      EXPECT_TRUE(name.find("rebuilt") == std::string::npos ||
                  name.find("/lost/") != std::string::npos)
          << name;
  }
}

TEST_F(fault_c15, nothing_is_salvaged_over_what_is_there) {
  EXPECT_THAT(salvage(in("/log"), "/log").error().message, HasSubstr("is there already"));
  EXPECT_EQ(disk_.contents(), files_);
}

TEST_F(fault_c15, a_log_that_somebody_has_open_is_not_salvaged) {
  const auto opened = open_log("/log");
  const auto found = salvage(in("/log"), "/new");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, errc::in_use);
}

TEST_F(fault_c15, nobody_opens_a_log_while_it_is_checked_or_salvaged) {
  bool is_opening = false;
  std::set<std::optional<errc>> ends;  // of whoever tries to open it, at each read
  const fault_rule rule = [&](file_operation what, std::string_view path) {
    if (what != file_operation::read || !path.ends_with(".sst") || is_opening)
      return file_failure::none;
    is_opening = true;
    const auto opened = open(in("/log"), clock_);
    ends.insert(opened ? std::optional<errc>{} : opened.error().code);
    is_opening = false;
    return file_failure::none;
  };
  const options watched{.directory = "/log", .file_system = with_faults(disk_.file_system(), rule)};
  const auto checked = check(watched);
  ASSERT_TRUE(checked) << checked.error().message;
  EXPECT_THAT(ends, ElementsAre(errc::in_use));
  ends.clear();
  const auto found = salvage(watched, "/new");
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_THAT(ends, ElementsAre(errc::in_use));
}

TEST_F(fault_c15, what_retention_has_deleted_is_no_loss_and_offsets_stay) {
  {
    const auto log = open_log("/log");
    ASSERT_TRUE(log->ensure_topic({"old", 1, {{"retention.bytes", "0"}}, {}}));
    write(*log, "old", {"a", "b"});
    ASSERT_EQ(log->maintain()->records_deleted, 2);
    write(*log, "old", {"c"});
  }
  const auto found = salvage(in("/log"), "/new");
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->records_lost, 0u);
  EXPECT_THAT(found->losses, IsEmpty());
  const auto kept = open_log("/new")->topic("old")->partitions.at(0);
  EXPECT_EQ(kept.first, record_offset{2});
  EXPECT_EQ(kept.end, record_offset{3});
}

TEST(fault_c15_format, a_log_of_another_format_is_not_salvaged) {
  const test_directory directory;
  std::filesystem::copy(CLOUDFLOW_SOURCE_DIR "/src/cloudflow/pubsub/embedded/formats/1/closed",
                        directory.path() / "log");
  const auto found =
      salvage({.directory = directory.path() / "log", .file_system = {}}, directory.path() / "new");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, errc::unsupported);
  EXPECT_FALSE(std::filesystem::exists(directory.path() / "new"));
}

}  // namespace
}  // namespace cloudflow::pubsub::embedded
