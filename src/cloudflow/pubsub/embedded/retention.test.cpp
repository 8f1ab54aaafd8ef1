#include "cloudflow/pubsub/embedded/log_fixture.hpp"
#include "cloudflow/pubsub/embedded/simulated_disk.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cloudflow::pubsub::embedded {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// -- retention ------------------------------------------------------------------------------------

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
  transaction changes;
  changes.positions.push_back({"g", "t", partition_id{1}, record_offset{0}});
  ASSERT_TRUE(log->open_producer({.transactional_id = "w"}).value()->commit(changes).has_value());
  clock_.advance(std::chrono::minutes{1});
  EXPECT_EQ(log->maintain()->records_deleted, 0);
}

TEST_F(embedded_log, keeps_what_an_opened_group_has_not_committed) {
  const auto log = open_log();
  create(*log, {{"retention.ms", "1000"}});
  write(*log, "t", {"a"});
  auto in = log->open_consumer({.group = "g", .topics = {"t"}, .start_at = {}, .on_ready = {}});
  ASSERT_TRUE(in.has_value());
  EXPECT_EQ((*in)->fetch(t0, {})->records().size(), 1u);
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
  EXPECT_EQ(log->position("g", {"t", partition_id{0}}).value(), std::nullopt);
  EXPECT_TRUE(log->position("g2", {"t", partition_id{0}})->has_value());
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
  EXPECT_EQ(in->poll_assignments()->at(0).next, record_offset{1});
}

// -- bounds ---------------------------------------------------------------------------------------

TEST_F(embedded_log, beyond_its_bound_it_says_who_keeps_the_space_and_lets_readers_go_on) {
  auto log = open_log({.directory = {}, .disk_bound = 4'000'000, .file_system = {}});
  create(*log, {{"retention.bytes", "0"}});
  auto in = log->open_consumer({.group = "slow", .topics = {"t"}, .start_at = {}, .on_ready = {}})
                .value();
  auto out = log->open_producer({.transactional_id = "w"}).value();
  record_buffer records;
  records.append({}, std::string(100'000, 'x'));
  transaction changes;
  changes.outputs.push_back({"t", partition_id{0}, &records});
  result<void> done;
  int written = 0;
  for (; done; ++written) done = out->commit(changes);
  EXPECT_EQ(done.error().code, errc::disk_full);
  EXPECT_TRUE(done.error().is_retriable());
  EXPECT_THAT(done.error().message,
              AllOf(HasSubstr("4000000"), HasSubstr("topic is t"), HasSubstr("Group slow")));
  EXPECT_GT(written, 20);

  // A reader that writes as well may go on, or nobody would ever make room.
  changes.positions.push_back({"slow", "t", partition_id{0}, record_offset{written - 1}});
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
  auto out = log->open_producer({.transactional_id = "w"}).value();
  record_buffer records;
  records.append({}, std::string(20'000, 'x'));
  transaction changes;
  changes.outputs.push_back({"t", partition_id{0}, &records});
  disk.set_capacity(disk.used_bytes() + 1'000'000);
  const auto refused = out->commit(changes);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, errc::disk_full);
  EXPECT_TRUE(refused.error().is_retriable());
  disk.set_capacity(disk.used_bytes() + 100'000'000);
  EXPECT_TRUE(out->commit(changes).has_value());
  EXPECT_EQ(values(*log).size(), 1u);
}

TEST_F(embedded_log, leaves_room_on_the_disk_where_only_state_is_written) {
  simulated_disk disk{1};
  const auto log = open_log({.directory = {}, .file_system = disk.file_system()});
  auto out = log->open_producer({.transactional_id = "w"}).value();
  disk.set_capacity(disk.used_bytes() + 1'000'000);
  transaction changes;
  changes.state.push_back({"s", {}, "key", "value"});
  const auto refused = out->commit(changes);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, errc::disk_full);
  EXPECT_FALSE(refused.error().is_fatal());
  disk.set_capacity(0);
  EXPECT_TRUE(out->commit(changes).has_value());
}

TEST(retention, what_was_deleted_stays_deleted_when_the_power_goes_off_right_behind) {
  for (std::uint64_t seed = 1; seed != 9; ++seed) {
    simulated_disk disk{seed};
    const virtual_clock clock;
    const auto open_log = [&] {
      return open({.directory = "/log", .file_system = disk.file_system()}, clock).value();
    };
    auto log = open_log();
    ASSERT_TRUE(log->ensure_topic({"t", 1, {{"retention.bytes", "1"}}, {}}));
    for (const auto* value : {"a", "b", "c"}) write(*log, "t", {value});
    ASSERT_EQ(log->maintain()->records_deleted, 2);
    disk.power_off();
    log.reset();
    disk.power_on();
    EXPECT_EQ(first_of(*open_log()).value(), 2) << "seed " << seed;
  }
}

}  // namespace
}  // namespace cloudflow::pubsub::embedded
