#include "cloudflow/operate/offsets.hpp"

#include "cloudflow/operate/fixture.test.hpp"

namespace cloudflow::operate {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class offsets : public small_application {
protected:
  offsets() {
    make_topics();
    for (int n = 0; n != 6; ++n) {
      send("lines", n % 2, {{"a", at(n), std::to_string(n)}});
      clock.advance(1s);
    }
  }
  /// `inlet topic/partition committed of first-end, lag`
  std::vector<std::string> shown(std::string_view path) {
    std::vector<std::string> all;
    for (const auto& p : positions(*log, plan, path).value())
      all.push_back(p.inlet + " " + to_string(p.source) + " " +
                    (p.committed ? std::to_string(p.committed->value()) : "-") + " of " +
                    std::to_string(p.range.first.value()) + "-" +
                    std::to_string(p.range.end.value()) + ", " + std::to_string(p.lag()));
    return all;
  }
  result<std::vector<inlet_position>> set(std::string_view to,
                                          std::optional<std::int32_t> partition = {}) {
    return set_positions(*log, inlet("shouter.lines"), where(to), partition);
  }
};

TEST_F(offsets, are_those_of_each_partition_with_the_lag) {
  EXPECT_THAT(shown("shouter"), ElementsAre("shouter.lines lines/0 - of 0-3, 3",
                                            "shouter.lines lines/1 - of 0-3, 3"));
  run();
  EXPECT_THAT(shown(""),
              ElementsAre("shouter.lines lines/0 3 of 0-3, 0", "shouter.lines lines/1 3 of 0-3, 0",
                          "counter.shouted shouted/0 6 of 0-6, 0",
                          "counter.shouted shouted/1 - of 0-0, 0"));
}

TEST_F(offsets, that_are_moved_back_have_records_processed_again) {
  run();
  EXPECT_EQ(set("-3500ms")->size(), 2u);
  EXPECT_THAT(shown("shouter"), ElementsAre("shouter.lines lines/0 2 of 0-3, 1",
                                            "shouter.lines lines/1 1 of 0-3, 2"));
  run();
  EXPECT_EQ(texts("shouted").size(), 9u);
}

TEST_F(offsets, can_be_moved_in_one_partition) {
  EXPECT_EQ(set("1", 0)->size(), 1u);
  EXPECT_EQ(set("end", 1)->size(), 1u);
  EXPECT_THAT(shown("shouter"), ElementsAre("shouter.lines lines/0 1 of 0-3, 2",
                                            "shouter.lines lines/1 3 of 0-3, 0"));
}

TEST_F(offsets, are_not_moved_where_that_would_be_wrong) {
  EXPECT_THAT(set("1").error().message,
              HasSubstr("an offset belongs to one partition, and lines has 2"));
  EXPECT_THAT(set("1", 2).error().message, HasSubstr("topic lines has no partition 2"));
  EXPECT_THAT(set("7", 1).error().message, HasSubstr("lines/1 has no offset 7"));
  EXPECT_THAT(
      set_positions(*log, inlet("counter.shouted"), offset_spec::earliest(), {}).error().message,
      HasSubstr("`replay counter --from ... --reset-state`"));
  start();
  EXPECT_THAT(set("beginning").error().message, HasSubstr("streamlet shouter runs"));
  stop();
  EXPECT_TRUE(set("beginning"));
}

TEST_F(offsets, of_retries_are_shown_when_there_are_any) {
  send("app.shouter.lines.retry", 1, {{"a", at(0), "again"}});
  EXPECT_THAT(shown("shouter"),
              ElementsAre("shouter.lines lines/0 - of 0-3, 3", "shouter.lines lines/1 - of 0-3, 3",
                          "shouter.lines app.shouter.lines.retry/1 - of 0-1, 1"));
}

TEST(inlet_position, tells_whether_retention_was_faster) {
  inlet_position p{
      "s.in", "g", {"t", partition_id{0}}, record_offset{3}, {record_offset{5}, record_offset{9}}};
  EXPECT_FALSE(p.is_in_range());
  EXPECT_EQ(p.lag(), 4);
  p.committed = record_offset{5};
  EXPECT_TRUE(p.is_in_range());
  p.committed.reset();
  EXPECT_TRUE(p.is_in_range());
}

}  // namespace
}  // namespace cloudflow::operate
