#include "cloudflow/runner/shadow_run.hpp"

#include "cloudflow/operate/fixture.test.hpp"
#include "cloudflow/operate/shadow.hpp"

namespace cloudflow::runner {
namespace {

using operate::at;
using namespace std::chrono_literals;
using testing::ElementsAre, testing::IsEmpty, testing::IsSupersetOf;

/// Four lines of `a`, one every 30 seconds, counted in windows of a minute.
class copies : public operate::small_application {
protected:
  copies() {
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
  /// Runs the shadow copy to its end; how many records it has read.
  std::int64_t replay_into(std::string_view name, std::string_view from, std::string_view to) {
    const auto shadow = operate::shadow_of(plan, counter(), name).value();
    auto run = shadow_run::create(
        shadow,
        operate::parts_of(*log, shadow, shadow.streamlets[0], where(from), where(to)).value(),
        around(), {});
    EXPECT_TRUE(run) << run.error().message;
    run_to_end((*run)->runtime());
    return (*run)->records_done();
  }
  std::size_t counted_before() const { return counted_before_; }

private:
  std::size_t counted_before_ = 0;
};

TEST_F(copies, leave_the_original_as_it_was) {
  EXPECT_EQ(replay_into("try", "beginning", "end"), 4);
  EXPECT_THAT(counts("counts.try"), ElementsAre("a@0: 2", "a@60: 2"));
  EXPECT_EQ(counts().size(), counted_before());
  run();
  EXPECT_EQ(counts().size(), counted_before());
}

TEST_F(copies, keep_to_the_range) {
  EXPECT_EQ(replay_into("early", "beginning", "-5s"), 3);
  EXPECT_THAT(counts("counts.early"), ElementsAre("a@0: 2", "a@60: 1"));
  EXPECT_EQ(replay_into("late", "-5s", "end"), 1);
  EXPECT_THAT(counts("counts.late"), ElementsAre("a@60: 1"));
  EXPECT_EQ(replay_into("none", "end", "end"), 0);
  EXPECT_THAT(counts("counts.none"), IsEmpty());
}

TEST_F(copies, that_is_complete_do_nothing_more) {
  replay_into("try", "beginning", "end");
  replay_into("try", "beginning", "end");
  EXPECT_THAT(counts("counts.try"), ElementsAre("a@0: 2", "a@60: 2"));
}

TEST_F(copies, go_on_beside_the_running_original) {
  start();
  EXPECT_EQ(replay_into("try", "beginning", "end"), 4);
  EXPECT_THAT(counts("counts.try"), ElementsAre("a@0: 2", "a@60: 2"));
}

/// lines/2 -> counter, by no key -> counts
struct repartitioned_copies : operate::small_application {
  repartitioned_copies()
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

TEST_F(repartitioned_copies, have_a_topic_of_their_own) {
  const auto shadow = operate::shadow_of(plan, counter(), "try").value();
  std::vector<std::string> topics;
  for (const auto& t : shadow.topics) topics.push_back(t.name);
  EXPECT_THAT(topics, IsSupersetOf({"app.try.seen.repartition", "app.try.lines.retry"}));
  const auto& port = shadow.streamlets[0].repartitions[0].port;
  EXPECT_EQ(port.group, "app.try.lines");
  EXPECT_EQ(shadow.topics[*port.retry_topic].name, "app.try.seen.repartition");
  operate::shouting::is_mended = true;
  auto run = shadow_run::create(
      shadow,
      operate::parts_of(*log, shadow, shadow.streamlets[0], where("beginning"), where("end"))
          .value(),
      around(), {});
  ASSERT_TRUE(run) << run.error().message;
  run_to_end((*run)->runtime());
  EXPECT_THAT(counts("counts.try"), ElementsAre("a@0: 3"));
  EXPECT_THAT(counts(), ElementsAre("a@0: 2"));
}

}  // namespace
}  // namespace cloudflow::runner
