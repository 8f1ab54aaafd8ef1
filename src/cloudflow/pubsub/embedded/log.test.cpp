#include "cloudflow/pubsub/embedded/log.hpp"

#include "cloudflow/pubsub/conformance.hpp"
#include "cloudflow/pubsub/embedded/simulated_disk.hpp"
#include "cloudflow/pubsub/embedded/test_directory.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

namespace cloudflow::pubsub {

// -- conformance -------------------------------------------------------------------------------------

namespace conformance {
namespace {

class embedded_environment final : public environment {
public:
  explicit embedded_environment(std::size_t tail_bytes) : tail_bytes_(tail_bytes) { reopen(); }
  backend& log() override { return *log_; }
  void reopen() override {
    log_.reset();
    auto opened = embedded::open(
        {.directory = "/log", .tail_bytes = tail_bytes_, .file_system = disk_.file_system()},
        clock_);
    if (!opened) throw std::runtime_error{opened.error().message};
    log_ = std::move(opened).value();
  }
  void advance(std::chrono::milliseconds by) override { clock_.advance(by); }
  bool apply_retention() override { return log_->maintain().has_value(); }
  bool is_atomic() const override { return true; }

private:
  const std::size_t tail_bytes_;
  embedded::simulated_disk disk_{1};
  virtual_clock clock_;
  std::unique_ptr<embedded::log> log_;
};

under_test with_tail(std::string name, std::size_t tail_bytes) {
  return {std::move(name),
          [tail_bytes] { return std::make_unique<embedded_environment>(tail_bytes); }};
}

INSTANTIATE_TEST_SUITE_P(embedded, backend_conformance,
                         testing::Values(with_tail("from_memory", 1 << 20),
                                         with_tail("from_disk", 0)),
                         name_of);

}  // namespace
}  // namespace conformance

// -- what only the embedded log does -----------------------------------------------------------------

namespace embedded {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const topic_partition t0{"t", partition_id{0}};

void write(log& to, std::string_view topic, const std::vector<std::string>& values) {
  record_buffer records;
  for (const auto& value : values) records.append({}, value);
  transaction changes;
  changes.outputs.push_back({topic, partition_id{0}, &records});
  auto out = to.open_producer({.transactional_id = "test", .group = {}}).value();
  const auto done = out->commit(changes);
  ASSERT_TRUE(done.has_value()) << done.error().message;
}

result<void> commit_position(log& to, std::string_view group, std::int64_t next) {
  const auto position = encode_offset(record_offset{next});
  transaction changes;
  changes.positions.push_back({group, "t/0", position});
  return to.open_producer({.transactional_id = "test", .group = {}}).value()->commit(changes);
}

std::vector<std::string> values(const backend& from, std::int64_t at = 0) {
  std::vector<std::string> found;
  const auto batch = from.read(t0, record_offset{at}, {100'000, 1 << 30});
  EXPECT_TRUE(batch.has_value()) << batch.error().message;
  if (batch)
    for (const auto& record : batch->records()) found.emplace_back(record.value);
  return found;
}

record_offset first_of(const log& of) { return of.topic("t")->partitions.at(0).first; }

class embedded_log : public testing::Test {
protected:
  std::unique_ptr<log> open_log(options how = {}) {
    how.directory = directory_.path();
    auto opened = open(how, clock_);
    EXPECT_TRUE(opened.has_value()) << opened.error().message;
    return std::move(opened).value();
  }
  void create(log& in, std::map<std::string, std::string> properties = {}) {
    ASSERT_TRUE(in.ensure_topic({"t", 1, std::move(properties), {}}).has_value());
  }

  test_directory directory_;
  virtual_clock clock_;
};

// -- opening -----------------------------------------------------------------------------------------

TEST_F(embedded_log, what_is_committed_is_there_when_it_is_opened_again) {
  auto first = open_log();
  create(*first);
  write(*first, "t", {"a", "b"});
  first.reset();
  EXPECT_THAT(values(*open_log()), ElementsAre("a", "b"));
}

TEST_F(embedded_log, is_opened_once_at_a_time) {
  const auto first = open_log();
  const auto second = open({.directory = directory_.path(), .file_system = {}}, clock_);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, errc::in_use);
  EXPECT_THAT(second.error().message, HasSubstr(directory_.path().string()));
}

/// Holds the lock of a log in another process while it lives.
class other_process {
public:
  explicit other_process(const std::filesystem::path& directory) {
    std::array<int, 2> ready{};
    EXPECT_EQ(::pipe(ready.data()), 0);
    const auto lock_file = (directory / "LOCK").string();
    child_ = ::fork();
    if (child_ == 0) hold(lock_file.c_str(), ready[1]);
    char byte = 0;
    EXPECT_EQ(::read(ready[0], &byte, 1), 1);
    ::close(ready[0]);
    ::close(ready[1]);
  }
  ~other_process() {
    ::kill(child_, SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }
  other_process(const other_process&) = delete;
  other_process& operator=(const other_process&) = delete;

private:
  [[noreturn]] static void hold(const char* lock_file, int ready) {
    const int file = ::open(lock_file, O_RDWR);
    struct flock lock = {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    const char byte = 1;
    if (::fcntl(file, F_SETLK, &lock) != 0 || ::write(ready, &byte, 1) != 1) ::_exit(1);
    while (true) ::pause();
  }
  ::pid_t child_ = 0;
};

TEST_F(embedded_log, refuses_a_directory_that_another_process_has_open) {
  open_log().reset();
  const other_process other{directory_.path()};
  for (const bool read_only : {false, true}) {
    const auto opened =
        open({.directory = directory_.path(), .read_only = read_only, .file_system = {}}, clock_);
    ASSERT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().code, errc::in_use) << opened.error().message;
  }
}

TEST_F(embedded_log, a_reader_sees_what_a_killed_owner_has_committed) {
  const auto owner = open_log();
  create(*owner);
  write(*owner, "t", {"a", "b"});
  // What a killed process leaves behind: the files as they are, and no lock.
  const test_directory left;
  std::filesystem::copy(directory_.path(), left.path());
  const auto reader =
      open({.directory = left.path(), .read_only = true, .file_system = {}}, clock_);
  ASSERT_TRUE(reader.has_value()) << reader.error().message;
  EXPECT_THAT(values(**reader), ElementsAre("a", "b"));
}

TEST_F(embedded_log, a_reader_changes_nothing) {
  auto owner = open_log();
  create(*owner);
  owner.reset();
  const auto reader = open_log({.directory = {}, .read_only = true, .file_system = {}});
  EXPECT_EQ(reader->open_producer({"w", "g"}).error().code, errc::unsupported);
  EXPECT_EQ(reader->ensure_topic({"new", 1, {}, {}}).error().code, errc::unsupported);
  EXPECT_EQ(reader->maintain().error().code, errc::unsupported);
  EXPECT_EQ(reader->forget_group("g").error().code, errc::unsupported);
  EXPECT_EQ(reader->schemas().put(std::string(32, 'f'), "text").error().code, errc::unsupported);
  EXPECT_TRUE(reader->ensure_topic({"t", 1, {}, {}}).has_value());
}

TEST_F(embedded_log, a_reader_needs_a_log) {
  const auto opened =
      open({.directory = directory_.path() / "none", .read_only = true, .file_system = {}}, clock_);
  ASSERT_FALSE(opened.has_value());
  EXPECT_THAT(opened.error().message, HasSubstr("There is no log"));
  EXPECT_FALSE(std::filesystem::exists(directory_.path() / "none"));
}

TEST_F(embedded_log, damaged_bytes_are_an_error_and_not_records) {
  simulated_disk disk{1};
  auto log = open_log({.directory = {}, .file_system = disk.file_system()});
  create(*log);
  write(*log, "t", std::vector<std::string>(1000, "value"));
  log.reset();
  log = open_log({.directory = {}, .file_system = disk.file_system()});  // writes a table
  log.reset();
  ASSERT_GT(disk.damage(".sst"), 0u);
  const auto damaged =
      open({.directory = directory_.path(), .file_system = disk.file_system()}, clock_);
  const auto code =
      damaged ? (*damaged)->read(t0, record_offset{0}, {}).error().code : damaged.error().code;
  EXPECT_EQ(code, errc::corrupt);
}

// -- topics ------------------------------------------------------------------------------------------

TEST(limitations, name_each_property_that_has_no_effect) {
  const topic_spec topic{"t",
                         1,
                         {{"cleanup.policy", "compact"},
                          {"min.insync.replicas", "2"},
                          {"retention.ms", "1000"},
                          {"max.message.bytes", "1000"}},
                         {}};
  EXPECT_THAT(limitations(topic),
              ElementsAre(AllOf(HasSubstr("Topic t"), HasSubstr("does not compact")),
                          AllOf(HasSubstr("Topic t"), HasSubstr("min.insync.replicas = 2"))));
  EXPECT_THAT(limitations({"t", 1, {{"cleanup.policy", "delete"}}, {}}), IsEmpty());
}

TEST_F(embedded_log, properties_that_are_not_understood_are_refused) {
  const auto log = open_log();
  for (const auto& [name, value] : std::map<std::string, std::string>{
           {"retention.ms", "7 days"}, {"retention.bytes", "-2"}, {"cleanup.policy", "keep"}}) {
    const auto refused = log->ensure_topic({"t", 1, {{name, value}}, {}});
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, errc::unsupported);
    EXPECT_THAT(refused.error().message, AllOf(HasSubstr(name), HasSubstr(value)));
  }
}

// -- retention ---------------------------------------------------------------------------------------

TEST_F(embedded_log, retention_by_size_keeps_at_least_that_much) {
  auto log = open_log();
  create(*log, {{"retention.bytes", "5000"}});
  for (int i = 0; i != 20; ++i) write(*log, "t", {std::string(1000, 'x')});
  const auto done = log->maintain();
  ASSERT_TRUE(done.has_value());
  EXPECT_EQ(done->records_deleted, 15);
  EXPECT_EQ(first_of(*log), record_offset{15});
  EXPECT_EQ(log->maintain()->records_deleted, 0);
}

TEST_F(embedded_log, a_compacted_topic_is_never_deleted_from) {
  const auto log = open_log();
  create(*log, {{"cleanup.policy", "compact"}, {"retention.ms", "1000"}});
  write(*log, "t", {"a"});
  clock_.advance(std::chrono::hours{24 * 365});
  EXPECT_EQ(log->maintain()->records_deleted, 0);
}

TEST_F(embedded_log, records_stay_for_seven_days_unless_told_otherwise) {
  const auto log = open_log();
  create(*log);
  write(*log, "t", {"a"});
  clock_.advance(std::chrono::hours{24 * 7});
  EXPECT_EQ(log->maintain()->records_deleted, 0);
  clock_.advance(std::chrono::hours{1});
  EXPECT_EQ(log->maintain()->records_deleted, 1);
}

TEST_F(embedded_log, keeps_what_a_group_with_a_position_has_not_read) {
  auto log = open_log();
  create(*log, {{"retention.ms", "1000"}});
  for (const char* value : {"a", "b", "c"}) write(*log, "t", {value});
  ASSERT_TRUE(commit_position(*log, "slow", 1).has_value());
  ASSERT_TRUE(commit_position(*log, "fast", 3).has_value());
  clock_.advance(std::chrono::minutes{1});
  log.reset();
  log = open_log();
  EXPECT_EQ(log->maintain()->records_deleted, 1);
  EXPECT_THAT(values(*log, 1), ElementsAre("b", "c"));
  ASSERT_TRUE(commit_position(*log, "slow", 3).has_value());
  EXPECT_EQ(log->maintain()->records_deleted, 2);
}

TEST_F(embedded_log, keeps_all_partitions_of_a_topic_that_a_group_has_begun_to_read) {
  auto log = open_log();
  ASSERT_TRUE(log->ensure_topic({"t", 2, {{"retention.ms", "1000"}}, {}}).has_value());
  write(*log, "t", {"a"});
  const auto position = encode_offset(record_offset{0});
  transaction changes;
  changes.positions.push_back({"g", "t/1", position});
  ASSERT_TRUE(log->open_producer({"w", {}}).value()->commit(changes).has_value());
  clock_.advance(std::chrono::minutes{1});
  EXPECT_EQ(log->maintain()->records_deleted, 0);
}

TEST_F(embedded_log, keeps_what_an_opened_group_has_not_committed) {
  const auto log = open_log();
  create(*log, {{"retention.ms", "1000"}});
  write(*log, "t", {"a"});
  auto in = log->open_consumer({.group = "g", .topics = {"t"}, .start_at = {}, .on_ready = {}});
  ASSERT_TRUE(in.has_value());
  EXPECT_EQ((*in)->take(t0, {})->records().size(), 1u);
  in->reset();
  clock_.advance(std::chrono::minutes{1});
  EXPECT_EQ(log->maintain()->records_deleted, 0);
  ASSERT_TRUE(commit_position(*log, "g", 1).has_value());
  EXPECT_EQ(log->maintain()->records_deleted, 1);
}

TEST_F(embedded_log, a_forgotten_group_keeps_nothing) {
  auto log = open_log();
  create(*log, {{"retention.ms", "1000"}});
  write(*log, "t", {"a"});
  ASSERT_TRUE(commit_position(*log, "g", 0).has_value());
  ASSERT_TRUE(commit_position(*log, "g2", 1).has_value());
  clock_.advance(std::chrono::minutes{1});
  {
    const auto in =
        log->open_consumer({.group = "g", .topics = {"t"}, .start_at = {}, .on_ready = {}});
    EXPECT_EQ(log->forget_group("g").error().code, errc::in_use);
  }
  ASSERT_TRUE(log->forget_group("g").has_value());
  EXPECT_EQ(log->position("g", "t/0").value(), std::nullopt);
  EXPECT_TRUE(log->position("g2", "t/0")->has_value());
  EXPECT_EQ(log->maintain()->records_deleted, 1);
}

TEST_F(embedded_log, a_group_that_started_at_the_end_starts_there_again_before_its_first_commit) {
  const auto log = open_log();
  create(*log);
  write(*log, "t", {"before"});
  const consumer_options latest{
      .group = "g", .topics = {"t"}, .start_at = consumer_options::start::latest, .on_ready = {}};
  log->open_consumer(latest)->reset();
  write(*log, "t", {"missed"});
  const auto in = log->open_consumer(latest).value();
  EXPECT_EQ(in->poll()->at(0).next, record_offset{1});
}

// -- bounds ------------------------------------------------------------------------------------------

TEST_F(embedded_log, beyond_its_bound_it_says_who_keeps_the_space_and_lets_readers_go_on) {
  auto log = open_log({.directory = {}, .disk_bound = 4'000'000, .file_system = {}});
  create(*log, {{"retention.bytes", "0"}});
  auto in = log->open_consumer({.group = "slow", .topics = {"t"}, .start_at = {}, .on_ready = {}})
                .value();
  auto out = log->open_producer({"w", {}}).value();
  record_buffer records;
  records.append({}, std::string(100'000, 'x'));
  transaction changes;
  changes.outputs.push_back({"t", partition_id{0}, &records});
  result<void> done;
  int written = 0;
  for (; done; ++written) done = out->commit(changes);
  EXPECT_EQ(done.error().code, errc::disk_full);
  EXPECT_TRUE(done.error().retriable);
  EXPECT_THAT(done.error().message,
              AllOf(HasSubstr("4000000"), HasSubstr("topic is t"), HasSubstr("Group slow")));
  EXPECT_GT(written, 20);

  // A reader that writes as well may go on, or nobody would ever make room.
  const auto position = encode_offset(record_offset{written - 1});
  changes.positions.push_back({"slow", "t/0", position});
  ASSERT_TRUE(out->commit(changes).has_value());
  changes.positions.clear();
  EXPECT_FALSE(out->commit(changes).has_value());
  const auto kept = log->maintain();
  ASSERT_TRUE(kept.has_value()) << kept.error().message;
  EXPECT_EQ(kept->records_deleted, written - 1);
  EXPECT_LT(kept->disk_bytes, 1'000'000u);
  EXPECT_TRUE(out->commit(changes).has_value());
}

TEST_F(embedded_log, leaves_room_on_the_disk_and_goes_on_when_there_is_more) {
  simulated_disk disk{1};
  const auto log = open_log({.directory = {}, .file_system = disk.file_system()});
  create(*log);
  auto out = log->open_producer({"w", {}}).value();
  record_buffer records;
  records.append({}, std::string(20'000, 'x'));
  transaction changes;
  changes.outputs.push_back({"t", partition_id{0}, &records});
  disk.set_capacity(disk.used_bytes() + 1'000'000);
  const auto refused = out->commit(changes);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, errc::disk_full);
  EXPECT_TRUE(refused.error().retriable);
  disk.set_capacity(disk.used_bytes() + 100'000'000);
  EXPECT_TRUE(out->commit(changes).has_value());
  EXPECT_EQ(values(*log).size(), 1u);
}

TEST_F(embedded_log, a_disk_that_is_full_in_the_middle_of_a_write_ends_the_session) {
  simulated_disk disk{1};
  auto log = open_log({.directory = {}, .file_system = disk.file_system()});
  create(*log);
  write(*log, "t", {"a"});
  auto out = log->open_producer({"w", {}}).value();
  disk.set_capacity(disk.used_bytes() + 10'000);
  transaction changes;  // no outputs: nothing is kept free for the like
  const std::string value(20'000, 'x');
  changes.state.push_back({"s", {}, "key", value});
  for (int attempt = 0; attempt != 3; ++attempt) {
    const auto refused = out->commit(changes);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, errc::disk_full) << refused.error().message;
    EXPECT_TRUE(refused.error().fatal);
  }
  EXPECT_EQ(log->ensure_topic({"u", 1, {}, {}}).error().code, errc::disk_full);
  EXPECT_EQ(log->state().find("s", {}, "key").value(), std::nullopt);
  log.reset();
  disk.set_capacity(0);
  log = open_log({.directory = {}, .file_system = disk.file_system()});
  EXPECT_THAT(values(*log), ElementsAre("a"));
  EXPECT_TRUE(log->open_producer({"w", {}}).value()->commit(changes).has_value());
}

TEST_F(embedded_log, a_broken_disk_ends_the_session) {
  simulated_disk disk{1};
  const auto log = open_log({.directory = {}, .file_system = disk.file_system()});
  create(*log);
  auto out = log->open_producer({"w", {}}).value();
  disk.power_off();
  record_buffer records;
  records.append({}, "x");
  transaction changes;
  changes.outputs.push_back({"t", partition_id{0}, &records});
  const auto refused = out->commit(changes);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, errc::unavailable);
  EXPECT_TRUE(refused.error().fatal);
  EXPECT_THAT(values(*log), IsEmpty());
}

// -- consumers ---------------------------------------------------------------------------------------

TEST_F(embedded_log, tells_a_consumer_that_there_is_something_until_it_is_closed) {
  const auto log = open_log();
  create(*log);
  ASSERT_TRUE(log->ensure_topic({"other", 1, {}, {}}).has_value());
  int calls = 0;
  auto in = log->open_consumer(
      {.group = "g", .topics = {"t"}, .start_at = {}, .on_ready = [&] { ++calls; }});
  write(*log, "t", {"a"});
  EXPECT_EQ(calls, 1);
  write(*log, "other", {"b"});
  EXPECT_EQ(calls, 1);
  in->reset();
  write(*log, "t", {"c"});
  EXPECT_EQ(calls, 1);
}

TEST_F(embedded_log, has_one_consumer_for_each_group_and_topic) {
  const auto log = open_log();
  create(*log);
  const consumer_options wanted{.group = "g", .topics = {"t"}, .start_at = {}, .on_ready = {}};
  auto first = log->open_consumer(wanted);
  ASSERT_TRUE(first.has_value());
  const auto second = log->open_consumer(wanted);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, errc::in_use);
  EXPECT_THAT(second.error().message, AllOf(HasSubstr("Group g"), HasSubstr("topic t")));
  first->reset();
  EXPECT_TRUE(log->open_consumer(wanted).has_value());
}

TEST_F(embedded_log, a_position_in_a_partition_has_to_be_an_offset) {
  const auto log = open_log();
  create(*log);
  transaction changes;
  changes.positions.push_back({"g", "t/0", "not an offset at all"});
  EXPECT_EQ(log->open_producer({"w", {}}).value()->commit(changes).error().code, errc::unsupported);
}

}  // namespace
}  // namespace embedded
}  // namespace cloudflow::pubsub
