// Backends whose time a test can move.
#include "cloudflow/pubsub/conformance.hpp"

#include <gmock/gmock.h>

namespace cloudflow::pubsub::conformance {

using std::chrono::milliseconds;
using testing::ElementsAre;

// Not every backend's test program has them.
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(timed_conformance);

TEST_P(timed_conformance, records_carry_the_time_of_their_append) {
  create("t");
  auto out = open_producer();
  write(*out, t0, {"a"});
  world().advance(milliseconds{5000});
  write(*out, t0, {"b"});
  auto batch = log().read(t0, record_offset{0}, {});
  ASSERT_TRUE(batch.has_value());
  ASSERT_EQ(batch->records().size(), 2u);
  EXPECT_EQ(batch->records()[1].time - batch->records()[0].time, milliseconds{5000});
}

TEST_P(timed_conformance, a_time_between_two_appends_is_that_of_the_next_record) {
  create("t", 2);
  auto out = open_producer();
  std::vector<timestamp> times;
  for (int from = 0; from != 40; from += 10) {
    write(*out, t0, numbered(from, from + 10));
    times.push_back(
        log().read(t0, record_offset{from}, {.max_records = 1, .max_bytes = 1})->records()[0].time);
    world().advance(milliseconds{1000});
  }
  const auto found = [&](const topic_partition& source, timestamp at) {
    return log().offset_at(source, at).value().value();
  };
  for (const bool from_disk : {false, true}) {
    if (from_disk) world().reopen();
    for (std::size_t i = 0; i != times.size(); ++i) {
      const auto base = static_cast<std::int64_t>(10 * i);
      EXPECT_EQ(found(t0, times[i]), base);
      EXPECT_EQ(found(t0, times[i] - milliseconds{1}), base);
      EXPECT_EQ(found(t0, times[i] + milliseconds{1}), base + 10);
    }
    EXPECT_EQ(found(t0, timestamp{}), 0);
    EXPECT_EQ(found(t1, times[0]), 0);
  }
  EXPECT_EQ(log().offset_at({"none", partition_id{0}}, times[0]).error().code,
            errc::topic_not_found);
}

// -- retention ------------------------------------------------------------------------------------

TEST_P(timed_conformance, old_records_go_when_their_time_is_over) {
  create("t", 1, {{"retention.ms", "60000"}});
  auto out = open_producer();
  write(*out, t0, {"old"});
  world().advance(milliseconds{40000});
  write(*out, t0, {"young"});
  world().advance(milliseconds{30000});
  world().apply_retention();
  const auto range = log().topic("t")->partitions.at(0);
  EXPECT_EQ(range.first, record_offset{1});
  EXPECT_EQ(range.end, record_offset{2});
  EXPECT_EQ(log().read(t0, record_offset{0}, {}).error().code, errc::offset_out_of_range);
  EXPECT_THAT(values_of(read_all(t0, 1)), ElementsAre("young"));
}

TEST_P(timed_conformance, offsets_go_on_when_all_records_have_gone) {
  create("t", 1, {{"retention.ms", "60000"}});
  write(*open_producer(), t0, numbered(0, 10));
  world().advance(milliseconds{70000});
  world().apply_retention();
  world().reopen();
  EXPECT_EQ(log().topic("t")->partitions.at(0).first, record_offset{10});
  write(*open_producer(), t0, {"next"});
  EXPECT_THAT(read_all(t0, 10), ElementsAre(plain_record{{}, "next", {}, 10}));
}

}  // namespace cloudflow::pubsub::conformance
