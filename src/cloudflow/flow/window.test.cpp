#include "cloudflow/flow/harness.test.hpp"

#include <gtest/gtest.h>

#include <random>

namespace cloudflow::testing {
namespace {

using namespace std::chrono_literals;

struct per_minute {
  allowed_lateness late_by;
  inlet<line> in{"in"};
  outlet<count> out{"out"};
  outlet<line> late{"late"};
  state<std::int64_t> lines{"lines"};
  auto logic() const {
    return from(in)
        .event_time(&line::time, bounded_out_of_order{0s})
        .key_by(&line::app)
        .window(tumbling{60s})
        .lateness(late_by)
        .late_to(late)
        .fold(lines, [](std::int64_t& n, const line::view&) { ++n; })
        .map([](const windowed<std::string, std::int64_t>& w) {
          return count{w.key, w.window.start, w.value};
        })
        .to(out);
  }
};

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
            3u);  // the watermark; value and timer of the window that is open
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
  h.program->finish();
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
            5u);  // the watermark; the open window and the one that may still change
}

TEST_F(windows, that_the_end_of_the_input_has_fired_fire_again_for_what_follows_at_once) {
  input = {{"app", at(0), "x"}};
  h.run(input, 1);
  h.program->finish();
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

/// The last row of every window equals a count by hand, whatever the order, the batches, the commits and the kills.
TEST_F(endless_windows, count_right_under_random_orders_batches_and_kills) {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    std::mt19937 random{seed};
    std::vector<line> all;
    std::map<std::pair<std::string, std::int64_t>, std::int64_t> expected;
    for (int i = 0; i != 500; ++i) {
      const auto second = static_cast<std::int64_t>(random() % 100'000) - 50'000;
      const std::string app(1, static_cast<char>('a' + random() % 3));
      all.push_back({app, at(second), "x"});
      ++expected[{app, (second - (second % 60 + 60) % 60) * 1000}];
    }
    const per_minute s{unlimited_lateness};
    harness<per_minute> run{s, {&s.out, &s.late}, {&s.lines}};
    while (run.next < all.size()) {
      run.run(all, 1 + random() % 40, 1 + random() % 3);
      if (random() % 3 == 0)
        run.kill();
      else
        run.commit();
    }
    run.commit();
    run.program->finish();
    run.commit();
    std::map<std::pair<std::string, std::int64_t>, std::int64_t> last;
    for (const auto& c : run.output<count>(0))
      last[{c.app, c.start.time_since_epoch().count()}] = c.lines;
    EXPECT_EQ(last, expected) << "seed " << seed;
  }
}

TEST_F(windows, do_not_take_a_time_that_would_overflow) {
  input.push_back({"app", timestamp::max(), "x"});
  EXPECT_THROW(h.run(input, 1), flow::record_failure);
}

}  // namespace
}  // namespace cloudflow::testing
