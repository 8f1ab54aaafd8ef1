// What the commands do with a streamlet whose records go through a topic of its own to their keys.
#include "cloudflow/operate/dead_letters.hpp"
#include "cloudflow/operate/fixture.test.hpp"
#include "cloudflow/operate/offsets.hpp"
#include "cloudflow/operate/replay.hpp"
#include "cloudflow/operate/shadow.hpp"

namespace cloudflow::operate {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsSupersetOf;

/// lines/2 -> counter, by no key -> counts
struct repartitioned : small_application {
  repartitioned()
    : small_application(R"(blueprint {
        streamlets { counter = cloudflow.operate.gathering }
        topics {
          lines { consumers = [counter.lines], partitions = 2 }
          counts { producers = [counter.counts] }
        } })") {
    make_topics();
    send("lines", 0, {{"a", at(0), "one"}, {"a", at(1), "bad"}});
    send("lines", 1, {{"a", at(2), "two"}});
    run();
    EXPECT_THAT(counts(), ElementsAre("a@0: 2"));
  }
  const blueprint::streamlet_plan& counter() const { return plan.streamlets[0]; }
};

TEST_F(repartitioned, letters_are_tried_again_where_they_failed) {
  auto letters = dead_letter_topic::of(*log, inlet("counter")).value();
  shouting::is_mended = true;
  EXPECT_EQ(letters.retry({}).value(), 1u);
  run();
  EXPECT_THAT(counts(), ElementsAre("a@0: 2", "a@0: 3"));
  EXPECT_EQ(letters.summarise()->waiting, 0u);
}

TEST_F(repartitioned, positions_are_those_of_the_topic_between_as_well) {
  const auto all = positions(*log, plan, "counter").value();
  std::vector<std::string> sources;
  for (const auto& p : all) {
    sources.push_back(to_string(p.source));
    EXPECT_EQ(p.lag(), 0);
  }
  EXPECT_THAT(sources, ElementsAre("lines/0", "lines/1", "app.counter.seen.repartition/0",
                                   "app.counter.seen.repartition/1"));
}

TEST_F(repartitioned, a_replay_with_its_state_forgotten_counts_no_record_twice) {
  start();  // what is read now has moved, and is not counted yet
  send("lines", 1, {{"a", at(3), "three"}});
  for (int n = 0; n != 3; ++n)
    for (auto* w : running->workers()) w->step();
  stop();
  const auto parts = parts_of(*log, plan, counter(), where("beginning"), where("end")).value();
  const auto done = reset_state(*log, plan, counter(), parts);
  ASSERT_TRUE(done) << done.error().message;
  shouting::is_mended = true;
  run();
  EXPECT_THAT(counts(), Contains("a@0: 4"));
}

TEST_F(repartitioned, a_replay_into_a_copy_has_a_topic_of_its_own) {
  const auto shadow = shadow_of(plan, counter(), "try").value();
  std::vector<std::string> topics;
  for (const auto& t : shadow.topics) topics.push_back(t.name);
  EXPECT_THAT(topics, IsSupersetOf({"app.try.seen.repartition", "app.try.lines.retry"}));
  const auto& port = shadow.streamlets[0].repartitions[0].port;
  EXPECT_EQ(port.group, "app.try.lines");
  EXPECT_EQ(shadow.topics[*port.retry_topic].name, "app.try.seen.repartition");
}

}  // namespace
}  // namespace cloudflow::operate
