#include "cloudflow/operate/replay.hpp"

#include "cloudflow/operate/fixture.test.hpp"
#include "cloudflow/operate/shadow.hpp"

namespace cloudflow::operate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// Four lines of `a`, one every 30 seconds, counted in windows of a minute.
class replays : public small_application {
protected:
  replays() {
    make_topics();
    for (int n = 0; n != 4; ++n) {
      send("lines", 0, {{"a", at(30 * n), std::to_string(n)}});
      clock.advance(10s);
      run();
    }
    EXPECT_THAT(counts(), testing::IsSupersetOf({"a@0: 2", "a@60: 2"}));
    counted_before_ = counts().size();
  }
  const blueprint::streamlet_plan& counter() const { return *plan.find_streamlet("counter"); }
  std::vector<replay_part> parts(const blueprint::plan& of, std::string_view from,
                                 std::string_view to) {
    return parts_of(*log, of,
                    of.find_streamlet("counter") != nullptr ? counter() : of.streamlets[0],
                    where(from), where(to))
        .value();
  }
  std::size_t counted_before() const { return counted_before_; }

private:
  std::size_t counted_before_ = 0;
};

TEST_F(replays, with_their_state_forgotten_count_everything_anew) {
  const auto done = reset_state(*log, plan, counter(), parts(plan, "beginning", "end"));
  ASSERT_TRUE(done) << done.error().message;
  run();
  auto all = counts();
  EXPECT_EQ(all.size(), counted_before() + 2);
  EXPECT_EQ(std::count(all.begin(), all.end(), "a@0: 2"), 2);
  EXPECT_EQ(std::count(all.begin(), all.end(), "a@60: 2"), 2);
}

TEST_F(replays, forget_all_state_be_it_windows_or_watermarks_in_every_partition) {
  send("shouted", 1, {{"b", at(0), "0"}});
  run();
  const auto keys_of = [&](std::int32_t partition) {
    std::size_t n = 0;
    for (const auto* store : {"counter.seen", "counter.seen.parked", "counter..event-time"})
      EXPECT_TRUE(log->state().scan(store, partition_id{partition}, {},
                                    [&](auto, auto) { return ++n, true; }));
    return n;
  };
  for (const std::int32_t p : {0, 1}) EXPECT_NE(keys_of(p), 0u) << p;
  ASSERT_TRUE(reset_state(*log, plan, counter(), parts(plan, "beginning", "end")));
  for (const std::int32_t p : {0, 1}) EXPECT_EQ(keys_of(p), 0u) << p;
}

TEST_F(replays, forget_state_that_a_newer_program_has_recorded) {
  auto producer = log->open_producer({.transactional_id = "newer"});
  ASSERT_TRUE(producer);
  pubsub::transaction changes;
  changes.state.push_back({pubsub::registry_store, partition_id{0}, "counter.seen", "\x7f newer"});
  ASSERT_TRUE((*producer)->commit(changes));
  const auto done = reset_state(*log, plan, counter(), parts(plan, "beginning", "end"));
  ASSERT_TRUE(done) << done.error().message;
  run();
  EXPECT_EQ(counts().size(), counted_before() + 2);
}

TEST_F(replays, do_not_reset_what_runs) {
  start();
  const auto refused = reset_state(*log, plan, counter(), parts(plan, "beginning", "end"));
  EXPECT_THAT(refused.error().message, HasSubstr("streamlet counter runs"));
}

TEST_F(replays, of_a_range_that_is_none_are_refused) {
  const auto refused = [&](std::string_view from, std::string_view to) {
    return parts_of(*log, plan, counter(), where(from), where(to)).error().message;
  };
  EXPECT_THAT(refused("end", "beginning"), HasSubstr("the range would go from offset"));
  EXPECT_THAT(refused("1", "end"), HasSubstr("an offset belongs to one partition"));
}

TEST_F(small_application, a_copy_has_names_of_its_own_for_everything_that_it_writes) {
  const auto shadow = shadow_of(plan, *plan.find_streamlet("shouter"), "try").value();
  ASSERT_EQ(shadow.streamlets.size(), 1u);
  const auto& s = shadow.streamlets[0];
  EXPECT_EQ(s.name, "try");
  EXPECT_EQ(s.class_name, "cloudflow.operate.shouting");
  EXPECT_EQ(s.inlets[0].group, "app.try.lines");
  EXPECT_EQ(shadow.topics[*s.inlets[0].dead_letter_topic].name, "app.try.lines.dead-letter");
  EXPECT_EQ(shadow.topics[*s.inlets[0].retry_topic].name, "app.try.lines.retry");
  std::vector<std::string> topics;
  for (const auto& t : shadow.topics) topics.push_back(t.name + (t.is_managed ? "" : " (theirs)"));
  EXPECT_THAT(topics, ElementsAre("lines (theirs)", "app.try.lines.dead-letter",
                                  "app.try.lines.retry", "shouted.try"));
  EXPECT_EQ(shadow.topics[s.outlets[0].topic].partitions, 2);
}

TEST_F(small_application, a_copy_needs_a_name_that_is_free_and_something_to_read) {
  const auto refused = [&](std::string_view name) {
    return shadow_of(plan, plan.streamlets[0], name).error().message;
  };
  EXPECT_THAT(refused("counter"), HasSubstr("the application has a streamlet counter"));
  EXPECT_THAT(refused("No Name"), HasSubstr("'No Name' cannot name a streamlet"));
  EXPECT_THAT(refused(std::string(240, 'x')), HasSubstr("choose a shorter name"));
  auto source = plan.streamlets[0];
  source.inlets.clear();
  EXPECT_THAT(shadow_of(plan, source, "try").error().message, HasSubstr("has no inlets"));
}

}  // namespace
}  // namespace cloudflow::operate
