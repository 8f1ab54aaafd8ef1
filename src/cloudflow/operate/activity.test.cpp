#include "cloudflow/operate/activity.hpp"

#include "cloudflow/operate/table.hpp"

#include <gtest/gtest.h>

namespace cloudflow::operate {
namespace {

using namespace std::chrono_literals;

app::task_status status(std::uint64_t in, std::uint64_t out) {
  app::task_status t{
      .streamlet = "s", .partition = 0, .is_running = true, .failure = {}, .sources = {}};
  t.records_in = in;
  t.records_out = out;
  return t;
}

TEST(activity, is_the_difference_of_two_looks_by_the_second) {
  auto now = status(150, 30);
  now.sources = {{"in", "t", 0, 3, 10}, {"in", "t.retry", 0, 0, 2}};
  const auto a = activity_of({status(100, 10)}, {now}, 2s);
  ASSERT_EQ(a.size(), 1u);
  EXPECT_DOUBLE_EQ(a[0].in_per_second, 25);
  EXPECT_DOUBLE_EQ(a[0].out_per_second, 10);
  EXPECT_EQ(a[0].lag, 9);
}

TEST(activity, of_a_task_that_is_new_or_began_anew_is_all_that_it_has_done) {
  EXPECT_DOUBLE_EQ(activity_of({}, {status(10, 0)}, 1s)[0].in_per_second, 10);
  EXPECT_DOUBLE_EQ(activity_of({status(100, 0)}, {status(10, 0)}, 1s)[0].in_per_second, 10);
  EXPECT_DOUBLE_EQ(activity_of({status(0, 0)}, {status(10, 0)}, 0s)[0].in_per_second, 0);
}

TEST(activity, says_what_state_a_task_is_in_and_sums_up_to_the_worst) {
  auto failed = status(0, 0), restoring = status(0, 0), good = status(0, 0);
  failed.is_running = false;
  restoring.is_restoring = true;
  restoring.watermark_delay = 5s;
  good.watermark_delay = 3s;
  const auto all = activity_of({}, {good, restoring}, 1s);
  EXPECT_EQ(to_string(all[0].now), "running");
  EXPECT_EQ(to_string(all[1].now), "restoring");
  EXPECT_EQ(to_string(total_of(all).now), "restoring");
  EXPECT_EQ(total_of(all).watermark_delay, 5s);
  EXPECT_EQ(to_string(total_of(activity_of({}, {failed, good}, 1s)).now), "failed");
}

TEST(activity, of_processes_that_share_a_partition_is_what_all_of_them_do) {
  auto reads_retries = status(2, 1), reads_records = status(7, 3), reads_nothing = status(10, 10);
  reads_retries.sources = {{"in", "t.retry", 0, 0, 2}};
  reads_records.sources = {{"in", "t", 0, 3, 10}};
  reads_records.records_rejected = 4;
  reads_nothing.is_running = false;
  auto other = status(1, 1);
  other.partition = 1;
  const auto all = merged({other, reads_nothing, reads_retries, reads_records});
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].records_in, 19u);
  EXPECT_EQ(all[0].records_rejected, 4u);
  EXPECT_EQ(all[0].sources.size(), 2u);
  EXPECT_TRUE(all[0].is_running);
  EXPECT_EQ(all[1].partition, 1);
}

TEST(activity, of_processes_of_which_one_has_failed_is_a_failure) {
  auto good = status(0, 0), failed = status(0, 0);
  good.sources = {{"in", "t", 0, 0, 0}};
  failed.sources = {{"in", "t.retry", 0, 0, 0}};
  failed.is_running = false;
  failed.failure = "broken";
  const auto all = merged({good, failed});
  ASSERT_EQ(all.size(), 1u);
  EXPECT_FALSE(all[0].is_running);
  EXPECT_EQ(all[0].failure, "broken");
}

TEST(table, is_as_wide_as_its_widest_cells_and_ends_no_line_with_blanks) {
  table t{{{"name"}, {"n", table::side::right}, {"note"}}};
  EXPECT_TRUE(t.empty());
  t.add({"a", "1", ""});
  t.add({"größer", "100", {"so", table::tone::bad}});
  EXPECT_EQ(t.text(),
            "name      n  note\n"
            "a         1\n"
            "größer  100  so\n");
  EXPECT_NE(t.text(true).find("\033[31mso\033[0m"), std::string::npos);
}

}  // namespace
}  // namespace cloudflow::operate
