/// What the log does when the disk lies or fails.
#include "cloudflow/pubsub/embedded/damage.hpp"
#include "cloudflow/pubsub/embedded/faulty_files.hpp"
#include "cloudflow/pubsub/embedded/log_fixture.hpp"
#include "cloudflow/pubsub/embedded/simulated_disk.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <fstream>
#include <random>
#include <sstream>

namespace cloudflow::pubsub::embedded {
namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Path below the directory -> bytes.
std::map<std::string, std::string> bytes_in(const std::filesystem::path& directory) {
  std::map<std::string, std::string> all;
  for (const auto& entry : std::filesystem::recursive_directory_iterator{directory}) {
    std::ostringstream content;
    if (entry.is_regular_file()) content << std::ifstream{entry.path(), std::ios::binary}.rdbuf();
    all[std::filesystem::relative(entry.path(), directory)] = content.str();
  }
  return all;
}

class faults : public embedded_log {
protected:
  result<std::unique_ptr<log>> try_open(bool read_only = false) {
    return open({.directory = log_directory(), .read_only = read_only, .file_system = {}}, clock_);
  }
  void make_log() {
    auto made = open_log();
    create(*made);
    write(*made, "t", {"a", "b"});
  }
  /// Opens it twice for writing and once for reading: the same words each time, not a byte changed.
  std::string refusal() {
    const auto before = bytes_in(directory_.path());
    std::string words;
    for (const bool read_only : {false, false, true}) {
      const auto opened = try_open(read_only);
      if (opened) {
        ADD_FAILURE() << "it was opened";
        return {};
      }
      if (words.empty()) words = opened.error().message;
      EXPECT_EQ(words, opened.error().message);
      EXPECT_EQ(bytes_in(directory_.path()), before);
    }
    return words;
  }
};

using fault_c1 = faults;

TEST_F(fault_c1, a_log_without_CURRENT_is_refused_each_time) {
  make_log();
  std::filesystem::remove(log_directory() / "CURRENT");
  EXPECT_THAT(refusal(), AllOf(HasSubstr("CURRENT"), HasSubstr("state salvage")));
}

TEST_F(fault_c1, a_directory_without_files_is_no_log) {
  std::filesystem::create_directory(log_directory());
  EXPECT_THAT(refusal(), HasSubstr(log_directory().string()));
}

TEST_F(fault_c1, what_an_interrupted_making_has_left_is_made_again) {
  make_log();
  std::filesystem::rename(log_directory(), directory_.path() / "log.making");
  std::filesystem::remove(directory_.path() / "log.making" / "CURRENT");
  const auto made = open_log();
  EXPECT_TRUE(made->topics().value().empty());
  EXPECT_FALSE(std::filesystem::exists(directory_.path() / "log.making"));
}

TEST(fault_c1_power, a_log_that_is_being_made_when_the_power_goes_off_is_made_or_not) {
  const virtual_clock clock;
  for (std::uint64_t changes = 1; changes != 40; ++changes) {
    simulated_disk disk{changes};
    disk.power_off_after(changes);
    open({.directory = "/log", .file_system = disk.file_system()}, clock).has_value();
    disk.power_off();
    disk.power_on();
    const auto again = open({.directory = "/log", .file_system = disk.file_system()}, clock);
    EXPECT_TRUE(again.has_value()) << changes << ": " << again.error().message;
  }
}

TEST_F(fault_c1, a_log_of_another_format_is_refused_by_a_sentence_with_both_numbers) {
  for (const std::string ended : {"killed", "closed"}) {
    std::filesystem::remove_all(log_directory());
    std::filesystem::copy(CLOUDFLOW_SOURCE_DIR "/src/cloudflow/pubsub/embedded/formats/1/" + ended,
                          log_directory());
    EXPECT_THAT(refusal(), AllOf(HasSubstr(log_directory().string()), HasSubstr("format 1"),
                                 HasSubstr("format 2"), HasSubstr("run --fresh")));
  }
}

// -- removal --------------------------------------------------------------------------------------

using fault_c3 = faults;

TEST_F(fault_c3, a_log_that_is_open_is_not_removed) {
  const auto opened = open_log();
  const auto removed = remove({.directory = log_directory(), .file_system = {}});
  ASSERT_FALSE(removed);
  EXPECT_EQ(removed.error().code, errc::in_use);
  create(*opened);
  write(*opened, "t", {"a"});
  EXPECT_THAT(values(*opened), ElementsAre("a"));
}

TEST_F(fault_c3, only_files_of_the_log_are_removed_and_the_next_one_is_made_beside_the_others) {
  make_log();
  const auto note = log_directory() / "note.txt", table = log_directory() / "numbers.sst";
  for (const auto& path : {note, table}) std::ofstream{path} << "mine";
  const auto removed = remove({.directory = log_directory(), .file_system = {}});
  ASSERT_TRUE(removed) << removed.error().message;
  EXPECT_THAT(removed->foreign, testing::UnorderedElementsAre(note, table));
  EXPECT_TRUE(open_log()->topics().value().empty());
  EXPECT_EQ(bytes_in(log_directory()).at("note.txt"), "mine");
  EXPECT_EQ(bytes_in(log_directory()).at("numbers.sst"), "mine");
}

TEST_F(fault_c3, a_log_that_is_not_there_is_removed) {
  EXPECT_TRUE(remove({.directory = log_directory(), .file_system = {}}));
}

TEST_F(fault_c3, a_removal_that_fails_is_an_error) {
  make_log();
  const auto files = with_faults(machine_files(), [](file_operation what, std::string_view path) {
    const bool fails = what == file_operation::remove && path.find("MANIFEST") != path.npos;
    return fails ? file_failure::io : file_failure::none;
  });
  EXPECT_FALSE(remove({.directory = log_directory(), .file_system = files}));
}

TEST_F(faults, fault_c13_nobody_else_reads_a_log_whatever_the_umask) {
  const auto former = ::umask(0);
  make_log();
  ::umask(former);
  struct stat found {};
  ASSERT_EQ(::stat(log_directory().c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 0777u, 0700u);
}

// -- what is missing ------------------------------------------------------------------------------

TEST(fault_c2, one_bit_flipped_anywhere_in_the_write_ahead_log_is_not_silent) {
  const damaged_log log{damaged_log::ended::killed};
  const auto path = log.path_of("WAL");
  std::mt19937_64 random{20261129};
  for (int tries = 0; tries != 24; ++tries) {
    auto files = log.files();
    auto& bytes = files.at(path);
    const auto at = random() % bytes.size();
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
    const auto found = log.open(files);
    EXPECT_NE(found.what, damaged_log::outcome::kind::wrong) << at << ": " << found.message;
  }
}

/// RocksDB ends the process over some bits of the properties, which stand there.
TEST(fault_c2, one_bit_flipped_at_the_end_of_a_table_ends_no_process) {
  constexpr std::size_t end_of_table = 1100;
  const damaged_log log{damaged_log::ended::closed};
  const auto path = log.path_of("SST");
  ASSERT_GT(log.files().at(path).size(), end_of_table);
  for (std::size_t from_end = 1; from_end <= end_of_table; ++from_end) {
    auto files = log.files();
    auto& bytes = files.at(path);
    auto& hit = bytes[bytes.size() - from_end];
    hit = static_cast<char>(hit ^ 0x80);
    const auto found = log.open(files);
    ASSERT_EQ(found.what, damaged_log::outcome::kind::refused) << from_end << found.message;
  }
}

TEST(fault_c2, a_commit_that_was_torn_before_it_was_acknowledged_is_no_damage) {
  const damaged_log log{damaged_log::ended::killed};
  const auto wal = log.path_of("WAL"), page = log.path_of("COMMITS");
  auto files = log.files();
  files.at(page) = log.older().at(page);
  files.at(wal).resize(log.older().at(wal).size() + 100);
  const auto found = log.open(files);
  EXPECT_THAT(found.message, HasSubstr("ends at record 50"));
}

TEST(fault_c2, the_refusal_says_how_much_is_lost_and_how_to_go_on) {
  const damaged_log log{damaged_log::ended::killed};
  auto files = log.files();
  const auto wal = log.path_of("WAL");
  files.at(wal) = log.older().at(wal);
  EXPECT_THAT(log.open(files).message,
              AllOf(HasSubstr("10 commits with 10 records are lost"), HasSubstr("state salvage")));
}

TEST(fault_c2, damage_in_front_of_readable_records_is_seen_without_the_page) {
  const damaged_log log{damaged_log::ended::killed};
  auto files = log.files();
  files.erase(log.path_of("COMMITS"));
  auto& bytes = files.at(log.path_of("WAL"));
  bytes[bytes.size() / 2] ^= 1;
  EXPECT_THAT(log.open(files).message, HasSubstr("in front of records that can be read"));
}

TEST_F(embedded_log, fault_c2_a_log_whose_page_is_missing_says_that_it_cannot_know) {
  open_log().reset();
  EXPECT_THAT(open_log()->notes(), IsEmpty());
  std::filesystem::remove(log_directory() / "COMMITS");
  EXPECT_THAT(open_log()->notes(),
              ElementsAre(AllOf(HasSubstr("COMMITS"), HasSubstr("not known"))));
  EXPECT_THAT(open_log()->notes(), IsEmpty());
}

// -- writes that fail -----------------------------------------------------------------------------

/// A log whose writes fail on demand.
class failing_writes : public testing::Test {
protected:
  failing_writes() {
    files_ = with_faults(disk_.file_system(), [this](file_operation what, std::string_view path) {
      if (what != at_.load() || path.find(where_.load()) == path.npos) return file_failure::none;
      return left_.fetch_sub(1) > 0 ? how_.load() : file_failure::none;
    });
    log_ = embedded::open({.directory = "/log", .file_system = files_}, clock_).value();
    EXPECT_TRUE(log_->ensure_topic({"t", 1, {}, {}}));
    out_ = log_->open_producer({.transactional_id = "w"}).value();
  }
  void fail(file_operation at, file_failure how, int times, const char* where = ".log") {
    at_ = at;
    how_ = how;
    where_ = where;
    left_ = times;
  }
  result<void> commit(const std::string& value) {
    record_buffer records;
    records.append({}, value);
    transaction changes;
    changes.outputs.push_back({"t", partition_id{0}, &records});
    return out_->commit(changes);
  }
  void reopen() {
    out_.reset();
    log_.reset();
    log_ =
        embedded::open({.directory = "/log", .file_system = disk_.file_system()}, clock_).value();
  }

  virtual_clock clock_;
  simulated_disk disk_{1};
  std::atomic<file_operation> at_{file_operation::open};
  std::atomic<file_failure> how_{file_failure::none};
  std::atomic<const char*> where_{".log"};
  std::atomic<int> left_{0};
  std::shared_ptr<rocksdb::FileSystem> files_;
  std::unique_ptr<log> log_;
  std::unique_ptr<producer> out_;
};

class fault_c4 : public failing_writes,
                 public testing::WithParamInterface<std::pair<file_operation, file_failure>> {};

TEST_P(fault_c4, a_write_that_fails_once_is_in_the_log_once_when_it_is_tried_again) {
  ASSERT_TRUE(commit("a"));
  fail(GetParam().first, GetParam().second, 1);
  const auto failed = commit("b");
  ASSERT_FALSE(failed);
  EXPECT_TRUE(failed.error().is_retriable()) << failed.error().message;
  EXPECT_FALSE(failed.error().is_fatal());
  EXPECT_THAT(values(*log_), ElementsAre("a"));
  EXPECT_TRUE(commit("b"));
  EXPECT_TRUE(commit("c"));
  EXPECT_THAT(values(*log_), ElementsAre("a", "b", "c"));
  reopen();
  EXPECT_THAT(values(*log_), ElementsAre("a", "b", "c"));
}

TEST_P(fault_c4, writes_that_fail_for_a_while_lose_nothing_and_reading_goes_on) {
  ASSERT_TRUE(commit("a"));
  fail(GetParam().first, GetParam().second, 1'000, "/");
  for (int tries = 0; tries != 4; ++tries) {
    const auto failed = commit("b");
    ASSERT_FALSE(failed);
    EXPECT_TRUE(failed.error().is_retriable()) << failed.error().message;
    EXPECT_THAT(values(*log_), ElementsAre("a"));
  }
  left_ = 0;
  EXPECT_TRUE(commit("b"));
  EXPECT_THAT(values(*log_), ElementsAre("a", "b"));
  reopen();
  EXPECT_THAT(values(*log_), ElementsAre("a", "b"));
}

TEST_P(fault_c4, another_transaction_after_a_failed_one_is_not_taken_for_it) {
  fail(GetParam().first, GetParam().second, 1);
  ASSERT_FALSE(commit("b"));
  EXPECT_TRUE(commit("c"));
  // Nobody has tried "b" again: whether it is in depends on how far it came, but never twice.
  EXPECT_THAT(values(*log_), testing::AnyOf(ElementsAre("c"), ElementsAre("b", "c")));
}

TEST_P(fault_c4, topics_and_schemas_are_made_after_a_failed_write) {
  fail(GetParam().first, GetParam().second, 1);
  ASSERT_FALSE(log_->ensure_topic({"u", 1, {}, {}}));
  EXPECT_TRUE(log_->ensure_topic({"v", 1, {}, {}}));
  EXPECT_TRUE(log_->ensure_topic({"u", 1, {}, {}}));
  EXPECT_TRUE(log_->schemas().put(std::string(32, 'f'), "text"));
  write(*log_, "u", {"of u"});
  write(*log_, "v", {"of v"});
  reopen();
  const auto read = log_->read({"v", partition_id{0}}, record_offset{0}, {}).value();
  ASSERT_EQ(read.records().size(), 1u);
  EXPECT_EQ(read.records()[0].value, "of v");
}

TEST_P(fault_c4, a_log_that_cannot_write_any_more_is_closed_without_harm) {
  ASSERT_TRUE(commit("a"));
  fail(GetParam().first, GetParam().second, 1'000, "/");
  ASSERT_FALSE(commit("b"));
  out_.reset();
  log_.reset();
  left_ = 0;
  reopen();
  EXPECT_THAT(values(*log_), testing::AnyOf(ElementsAre("a"), ElementsAre("a", "b")));
}

INSTANTIATE_TEST_SUITE_P(failures, fault_c4,
                         testing::Values(std::pair{file_operation::write, file_failure::no_space},
                                         std::pair{file_operation::write, file_failure::io},
                                         std::pair{file_operation::write,
                                                   file_failure::too_many_files},
                                         std::pair{file_operation::sync, file_failure::io},
                                         std::pair{file_operation::sync, file_failure::no_space}));

TEST_F(failing_writes, fault_c8_a_commit_whose_sync_failed_is_found_and_not_written_twice) {
  ASSERT_TRUE(commit("a"));
  fail(file_operation::sync, file_failure::io, 1);
  ASSERT_FALSE(commit("b"));
  const auto before = log_->topic("t")->partitions[0].end;
  EXPECT_EQ(before.value(), 1);
  ASSERT_TRUE(log_->ensure_topic({"u", 1, {}, {}}));  // opens the log again
  EXPECT_EQ(log_->topic("t")->partitions[0].end.value(), 2) << "the bytes were there";
  EXPECT_TRUE(commit("b"));
  EXPECT_THAT(values(*log_), ElementsAre("a", "b"));
}

TEST_F(failing_writes, fault_c4_consumers_go_on_over_a_log_that_was_opened_again) {
  auto in = log_->open_consumer({.group = "g", .topics = {"t"}, .on_ready = {}}).value();
  ASSERT_EQ(in->poll_assignments()->size(), 1u);
  ASSERT_TRUE(commit("a"));
  ASSERT_EQ(in->fetch(t0, {})->records().size(), 1u);
  fail(file_operation::write, file_failure::no_space, 1);
  ASSERT_FALSE(commit("b"));
  ASSERT_TRUE(commit("b"));
  const auto read = in->fetch(t0, {}).value();
  ASSERT_EQ(read.records().size(), 1u);
  EXPECT_EQ(read.records()[0].value, "b");
}

// -- clocks ---------------------------------------------------------------------------------------

/// A clock whose time of day can be set.
class settable_clock final : public clock {
public:
  timestamp now() const override {
    return timestamp{std::chrono::floor<std::chrono::milliseconds>(monotonic_ + offset_)};
  }
  std::chrono::nanoseconds monotonic() const override { return monotonic_; }
  void advance(std::chrono::nanoseconds by) { monotonic_ += by; }
  void set_by(std::chrono::nanoseconds difference) { offset_ += difference; }

private:
  std::chrono::nanoseconds monotonic_{1h}, offset_{20'000 * 24h};
};

class clocks : public testing::Test {
protected:
  std::unique_ptr<log> open_log() {
    return embedded::open({.directory = "/log", .file_system = disk_.file_system()}, clock_)
        .value();
  }
  static void create(log& in, std::map<std::string, std::string> properties = {}) {
    ASSERT_TRUE(in.ensure_topic({"t", 1, std::move(properties), {}}));
  }

  simulated_disk disk_{1};
  settable_clock clock_;
};

TEST_F(clocks, fault_c10_a_clock_that_goes_back_hides_no_record_from_a_look_by_time) {
  const auto log = open_log();
  create(*log);
  write(*log, "t", {"before"});
  clock_.set_by(-5h);
  for (const auto* value : {"b", "c", "d", "e"}) {
    write(*log, "t", {value});
    clock_.advance(1min);
  }
  EXPECT_EQ(log->offset_at(t0, clock_.now() - 1h)->value(), 0) << "it is dated later than that";
  clock_.advance(6h);
  write(*log, "t", {"f"});
  EXPECT_EQ(log->offset_at(t0, clock_.now() - 1min)->value(), 5);
  EXPECT_EQ(log->offset_at(t0, clock_.now() + 1ms)->value(), 6);
}

TEST_F(clocks, fault_c10_what_retention_has_deleted_does_not_date_what_is_left) {
  const auto log = open_log();
  create(*log, {{"retention.bytes", "60"}});  // a batch of these takes 37 to 40
  clock_.set_by(5h);
  write(*log, "t", {"late"});
  clock_.set_by(-5h);
  write(*log, "t", {"b"});
  clock_.advance(1min);
  write(*log, "t", {"c"});
  ASSERT_TRUE(log->maintain());
  ASSERT_EQ(first_of(*log).value(), 1);
  EXPECT_EQ(log->offset_at(t0, clock_.now())->value(), 2);
}

TEST_F(clocks, fault_c14_a_clock_that_jumps_ahead_for_a_minute_deletes_nothing) {
  const auto log = open_log();
  create(*log);
  write(*log, "t", {"a"});
  for (int minutes = 0; minutes != 90; ++minutes) {
    clock_.advance(1min);
    ASSERT_EQ(log->maintain()->records_deleted, 0);
  }
  clock_.set_by(8 * 24h);
  const auto done = log->maintain().value();
  EXPECT_EQ(done.records_deleted, 0);
  EXPECT_FALSE(done.is_time_believed);
  clock_.advance(1min);
  EXPECT_EQ(log->maintain()->records_deleted, 0);
  clock_.set_by(-8 * 24h);
  for (int minutes = 0; minutes != 90; ++minutes) {
    clock_.advance(1min);
    ASSERT_EQ(log->maintain()->records_deleted, 0);
  }
  EXPECT_THAT(values(*log), ElementsAre("a"));
}

TEST_F(clocks, fault_c14_a_clock_that_was_set_for_good_is_believed_after_an_hour) {
  const auto log = open_log();
  create(*log);
  write(*log, "t", {"a"});
  clock_.set_by(8 * 24h);
  ASSERT_EQ(log->maintain()->records_deleted, 0);
  clock_.advance(61min);
  EXPECT_EQ(log->maintain()->records_deleted, 1);
}

}  // namespace
}  // namespace cloudflow::pubsub::embedded
