#include "cloudflow/pubsub/embedded/log.hpp"

#include "cloudflow/pubsub/conformance.hpp"
#include "cloudflow/pubsub/embedded/log_fixture.hpp"
#include "cloudflow/pubsub/embedded/simulated_disk.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

namespace cloudflow::pubsub {

// -- conformance ----------------------------------------------------------------------------------

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
  void apply_retention() override { ASSERT_TRUE(log_->maintain().has_value()); }

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

const auto embedded_logs =
    testing::Values(with_tail("from_memory", 1 << 20), with_tail("from_disk", 0));
INSTANTIATE_TEST_SUITE_P(embedded, backend_conformance, embedded_logs, name_of);
INSTANTIATE_TEST_SUITE_P(embedded, timed_conformance, embedded_logs, name_of);

}  // namespace
}  // namespace conformance

// -- what only the embedded log does --------------------------------------------------------------

namespace embedded {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// -- opening --------------------------------------------------------------------------------------

TEST_F(embedded_log, what_is_committed_is_there_when_it_is_opened_again) {
  auto first = open_log();
  create(*first);
  write(*first, "t", {"a", "b"});
  first.reset();
  EXPECT_THAT(values(*open_log()), ElementsAre("a", "b"));
}

TEST_F(embedded_log, is_opened_once_at_a_time) {
  const auto first = open_log();
  const auto second = open({.directory = log_directory(), .file_system = {}}, clock_);
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, errc::in_use);
  EXPECT_THAT(second.error().message, HasSubstr(log_directory().string()));
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
  const other_process other{log_directory()};
  for (const bool read_only : {false, true}) {
    const auto opened =
        open({.directory = log_directory(), .read_only = read_only, .file_system = {}}, clock_);
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
  std::filesystem::copy(log_directory(), left.path() / "log");
  const auto reader =
      open({.directory = left.path() / "log", .read_only = true, .file_system = {}}, clock_);
  ASSERT_TRUE(reader.has_value()) << reader.error().message;
  EXPECT_THAT(values(**reader), ElementsAre("a", "b"));
}

TEST_F(embedded_log, a_reader_changes_nothing) {
  auto owner = open_log();
  create(*owner);
  owner.reset();
  const auto reader = open_log({.directory = {}, .read_only = true, .file_system = {}});
  EXPECT_EQ(reader->open_producer({.transactional_id = "w"}).error().code, errc::unsupported);
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
      open({.directory = log_directory(), .file_system = disk.file_system()}, clock_);
  const auto code =
      damaged ? (*damaged)->read(t0, record_offset{0}, {}).error().code : damaged.error().code;
  EXPECT_EQ(code, errc::corrupt);
}

// -- topics ---------------------------------------------------------------------------------------

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

// -- consumers ------------------------------------------------------------------------------------

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

}  // namespace
}  // namespace embedded
}  // namespace cloudflow::pubsub
