#include "cloudflow/flow/streamlets.test.hpp"

#include <gtest/gtest.h>

namespace cloudflow::testing {
namespace {

using namespace std::chrono_literals;

class windows : public ::testing::Test {
protected:
  explicit windows(allowed_lateness l = {0ms})
    : streamlet{l}, h{streamlet, {&streamlet.out, &streamlet.late}, {&streamlet.lines}} {}
  void lines_at(std::initializer_list<std::int64_t> seconds, std::size_t batch = 1) {
    for (const auto s : seconds) input.push_back({"app", at(s), "x"});
    h.run(input, batch);
    h.commit();
  }
  std::vector<std::pair<std::int64_t, std::int64_t>> results() {
    std::vector<std::pair<std::int64_t, std::int64_t>> all;
    for (const auto& c : h.output<count>(0))
      all.emplace_back(c.start.time_since_epoch() / 1s, c.lines);
    return all;
  }
  using rows = std::vector<std::pair<std::int64_t, std::int64_t>>;
  per_minute streamlet;
  harness<per_minute> h;
  std::vector<line> input;
};
struct late_windows : windows {
  late_windows() : windows({120s}) {}
};
struct endless_windows : windows {
  endless_windows() : windows(unlimited_lateness) {}
};

TEST_F(windows, emit_once_when_the_watermark_passes_their_end) {
  lines_at({0, 30, 59});
  EXPECT_EQ(results(), rows{});
  lines_at({60});
  EXPECT_EQ(results(), (rows{{0, 3}}));
  lines_at({61, 120});
  EXPECT_EQ(results(), (rows{{0, 3}, {60, 2}}));
}

TEST_F(windows, send_a_record_that_is_too_late_to_the_late_outlet) {
  lines_at({0, 60, 1});
  EXPECT_EQ(results(), (rows{{0, 1}}));
  EXPECT_EQ(h.output<line>(1).size(), 1u);
}

TEST_F(windows, keep_nothing_of_a_window_that_can_no_longer_change) {
  lines_at({0, 60, 120, 180});
  EXPECT_EQ(h.stores.values.size(),
            4u);  // the watermark; mark, value and timer of the window that is open
}

TEST_F(windows, before_1970_begin_at_their_start) {
  lines_at({-61, -1, 0});
  EXPECT_EQ(results(), (rows{{-120, 1}, {-60, 1}}));
}

TEST_F(windows, go_on_after_a_kill_as_if_nothing_had_happened) {
  lines_at({0, 30});
  h.kill();
  lines_at({59, 60});
  EXPECT_EQ(results(), (rows{{0, 3}}));
}

TEST_F(windows, fire_at_the_end_of_the_input_and_take_what_follows_in_another_run) {
  lines_at({0, 30});
  h.finish();
  h.commit();
  EXPECT_EQ(results(), (rows{{0, 2}}));
  h.kill();
  lines_at({40, 60});
  EXPECT_EQ(results(), (rows{{0, 2}, {0, 3}}));
}

TEST_F(late_windows, emit_their_full_new_value_for_each_late_record) {
  lines_at({0, 1, 60, 2, 3});
  EXPECT_EQ(results(), (rows{{0, 2}, {0, 3}, {0, 4}}));
}

TEST_F(late_windows, count_what_comes_late_after_a_kill) {
  lines_at({0, 60});
  h.kill();
  lines_at({2});
  EXPECT_EQ(results(), (rows{{0, 1}, {0, 2}}));
}

TEST_F(late_windows, are_forgotten_when_their_lateness_is_over) {
  lines_at({0, 60, 179});
  EXPECT_TRUE(h.output<line>(1).empty());
  lines_at({180, 1});
  EXPECT_EQ(h.output<line>(1).size(), 1u);
  lines_at({300, 420});
  EXPECT_EQ(h.stores.values.size(),
            6u);  // the watermark; the open window and the one that may still change
}

TEST_F(late_windows, that_began_late_are_forgotten_as_well) {
  lines_at({0, -61, 30, 119});
  EXPECT_EQ(h.stores.values.size(), 6u);  // as above: nothing of the one before 1970
}

TEST_F(windows, that_the_end_of_the_input_has_fired_fire_again_for_what_follows_at_once) {
  input = {{"app", at(0), "x"}};
  h.run(input, 1);
  h.finish();
  lines_at({40, 60});
  EXPECT_EQ(results(), (rows{{0, 1}, {0, 2}}));
}

TEST_F(endless_windows, that_fire_while_a_commit_is_under_way_keep_what_it_does_not_hold) {
  input = {{"app", at(0), "x"}};
  h.run(input, 1);
  h.begin_commit();
  input.insert(input.end(), {{"app", at(1), "x"}, {"app", at(60), "x"}});
  h.run(input, 1);
  h.end_commit();
  lines_at({2});
  EXPECT_EQ(results(), (rows{{0, 2}, {0, 3}}));
}

TEST_F(endless_windows, take_records_that_jump_back_by_weeks) {
  lines_at({1'000'000, 2'000'000, 10, 20, 1'000'001});
  EXPECT_EQ(results(), (rows{{999'960, 1}, {0, 1}, {0, 2}, {999'960, 2}}));
}

TEST_F(endless_windows, keep_a_late_update_that_comes_while_a_commit_is_under_way) {
  lines_at({0, 120, 10});
  EXPECT_EQ(results(), (rows{{0, 1}, {0, 2}}));
  input.insert(input.end(), {{"app", at(20), "x"}, {"app", at(121), "x"}});
  h.begin_commit();
  h.run(input, 1);
  h.end_commit();  // nothing of the first window waits, but the value has changed since
  lines_at({30});
  EXPECT_EQ(results(), (rows{{0, 1}, {0, 2}, {0, 3}, {0, 4}}));
}

/// As it may be where positions are committed after all else (at least once).
TEST_F(windows, lose_nothing_when_a_part_of_what_was_saved_is_durable) {
  for (std::size_t durable = 0;; ++durable) {
    harness<per_minute> part{streamlet, {&streamlet.out, &streamlet.late}, {&streamlet.lines}};
    const std::vector<line> lines{{"a", at(0), "x"}, {"b", at(61), "x"}, {"c", at(200), "x"}};
    part.run({lines[0], lines[1]}, 1);
    part.begin_commit();
    if (durable == part.in_flight.state.entries().size()) break;
    part.in_flight.outputs.clear();
    part.make_durable(durable);
    part.next = part.committed_next = 0;
    part.kill();
    part.run(lines, 1);
    part.commit();
    EXPECT_TRUE(part.output<line>(1).empty()) << durable;
    EXPECT_EQ(part.output<count>(0).size(), 2u) << durable;
  }
}

TEST_F(windows, have_something_to_commit_when_nothing_but_a_value_has_changed) {
  input = {{"app", at(0), "x"}};
  h.run(input, 1);
  EXPECT_FALSE(h.changes.empty());
  h.commit();
  EXPECT_TRUE(h.changes.empty());
}

TEST_F(windows, hold_no_more_keys_than_they_may_and_fire_all_the_same) {
  harness<per_minute> small{streamlet, {&streamlet.out, &streamlet.late}, {&streamlet.lines}, 1};
  input = {{"a", at(0), "x"}, {"b", at(1), "x"}, {"b", at(2), "x"}, {"c", at(60), "x"}};
  small.run(input, 2, 1);
  small.commit();
  const auto before = small.stores.reads;
  small.run(input, 1, 1);
  EXPECT_EQ(small.stores.reads, before + 1);
  small.run(input, 1);
  small.commit();
  EXPECT_EQ(small.output<count>(0), (std::vector<count>{{"b", at(0), 2}, {"a", at(0), 1}}));
}

/// The format is a contract with what is stored already.
TEST_F(late_windows, go_on_from_bytes_that_an_earlier_version_has_stored) {
  using namespace std::string_literals;
  const auto first = "\x80\0\0\0\0\0\0\0"s, second = "\x80\0\0\0\0\0\xea\x60"s,
             end_of_second = "\x80\0\0\0\0\1\xd4\xc0"s;
  h.stores.values = {{{0, "w" + first}, ""},
                     {{0, "v" + first + "\6app"}, "\0\4"s},  // two lines; it has fired
                     {{0, "w" + second}, ""},
                     {{0, "v" + second + "\6app"}, "\0\2"s},
                     {{0, "t" + end_of_second + "\6app"}, ""},  // it has to fire
                     {{2, "in.0"}, "\xc0\xa9\7"}};              // the watermark is at 60 s
  h.kill();
  lines_at({5, 61, 120});
  EXPECT_EQ(results(), (rows{{0, 3}, {60, 2}}));
  EXPECT_EQ(h.stores.values.size(), 8u);  // another window
  lines_at({300, 420});
  EXPECT_EQ(h.stores.values.size(), 6u);  // the first two are gone, with what they had
}

TEST_F(windows, do_not_take_a_time_that_would_overflow) {
  input.push_back({"app", timestamp::max(), "x"});
  EXPECT_THROW(h.run(input, 1), flow::failure);
}

}  // namespace
}  // namespace cloudflow::testing
