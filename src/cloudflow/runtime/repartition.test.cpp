// Streamlets whose records move to the task of their key, through a topic of their own.
#include "cloudflow/runtime/fixture.test.hpp"

#include <random>

namespace cloudflow::runtime {

using namespace std::chrono_literals;

inline count to_count(const windowed<std::string, std::int64_t>& w) {
  return {w.key, w.window.start, w.value};
}

/// Lines of each app and minute, from an inlet that is keyed by nothing.
struct tallying_by_app {
  inlet<line> in{"lines"};
  outlet<count> out{"counts", key(&count::app)};
  outlet<line> late{"late"};
  cloudflow::state<std::int64_t> seen{"seen"};
  auto logic() const {
    return from(in)
        .map([](const line::view& l) {
          if (l.text == "bad") throw std::runtime_error("a bad line");
          return l;
        })
        .event_time(&line::time, bounded_out_of_order{60s})
        .key_by(&line::app)
        .window(tumbling{60s})
        .late_to(late)
        .fold(seen,
              [](std::int64_t& n, const line::view& l) {
                if (l.text == "worse") throw std::runtime_error("a worse line");
                ++n;
              })
        .map(to_count)
        .to(out);
  }
};

/// The first line of each app, of each minute: two states, one behind the other, by different keys.
struct ranking_minutes {
  struct total {
    std::string app;
    timestamp minute{};
    std::int64_t lines = 0;
  };
  inlet<line> in{"lines"};
  outlet<count> out{"counts"};
  cloudflow::state<std::int64_t> seen{"seen"};
  cloudflow::state<std::int64_t> busiest{"busiest"};
  auto logic() const {
    return from(in)
        .event_time(&line::time, in_order)
        .key_by(&line::app)
        .window(tumbling{60s})
        .fold(seen, [](std::int64_t& n, const line::view&) { ++n; })
        .map([](const windowed<std::string, std::int64_t>& w) {
          return total{w.key, w.window.start, w.value};
        })
        .key_by(&total::minute)
        .window(tumbling{60s})
        .fold(busiest, [](std::int64_t& most, const total& t) { most = std::max(most, t.lines); })
        .map([](const windowed<timestamp, std::int64_t>& w) {
          return count{"busiest", w.window.start, w.value};
        })
        .to(out);
  }
};

/// Lines that say something new, of each app and minute: the first key_by has nothing to do with
/// time.
struct counting_news {
  inlet<line> in{"lines"};
  outlet<count> out{"counts"};
  cloudflow::state<timestamp> known{"known"};
  cloudflow::state<std::int64_t> seen{"seen"};
  auto logic() const {
    return from(in)
        .key_by(&line::text)
        .distinct(known)
        .event_time(&line::time, in_order)
        .key_by(&line::app)
        .window(tumbling{60s})
        .fold(seen, [](std::int64_t& n, const line::view&) { ++n; })
        .map(to_count)
        .to(out);
  }
};

/// The same of two inlets, each through a topic of its own.
struct tallying_both {
  inlet<line> lines{"lines"};
  inlet<line> more{"more-lines"};
  outlet<count> out{"counts", key(&count::app)};
  outlet<count> more_out{"more-counts", key(&count::app)};
  cloudflow::state<std::int64_t> seen{"seen"};
  cloudflow::state<std::int64_t> more_seen{"more-seen"};
  auto logic() const {
    const auto tally = [](const auto& in, const auto& into, const auto& to) {
      return from(in)
          .event_time(&line::time, bounded_out_of_order{60s})
          .key_by(&line::app)
          .window(tumbling{60s})
          .fold(into, [](std::int64_t& n, const line::view&) { ++n; })
          .map(to_count)
          .to(to);
    };
    return std::tuple{tally(lines, seen, out), tally(more, more_seen, more_out)};
  }
};

namespace {

using totals = std::map<std::pair<std::string, std::int64_t>, std::int64_t>;

class four_partitions : public application {
protected:
  four_partitions() {
    topic<line>("lines", 4);
    topic<count>("counts");
    topic<line>("late");
  }
  /// What came out for each app and second; each once.
  totals counts(const std::string& topic = "counts") {
    totals all;
    for (const auto& c : read<count>(topic))
      EXPECT_TRUE(all.emplace(std::pair{c.app, c.start.time_since_epoch() / 1s}, c.lines).second)
          << c.app << " at " << c.start.time_since_epoch() / 1s;
    return all;
  }
  void send_at(std::int32_t partition, std::initializer_list<std::int64_t> seconds) {
    std::vector<line> lines;
    for (const auto s : seconds) lines.push_back({"app", at(s), "x"});
    send("lines", lines, partition);
  }
};
struct repartitioning : four_partitions {
  repartitioning() { streamlet<tallying_by_app>("tally"); }
  /// Of three partitions that have been read, and one that is empty; nobody answers.
  void ask_for_ends() {
    backend->hold_answers();
    start();
    for (std::int32_t p = 0; p != 3; ++p) send_at(p, {0, 121});
    step(100);
    clock.advance(61s);
    step(100);
  }
};
struct repartitioning_before_time : four_partitions {
  repartitioning_before_time() { streamlet<counting_news>("news"); }
};
struct repartitioning_two_inlets : four_partitions {
  repartitioning_two_inlets() {
    topic<line>("more-lines", 4);
    topic<count>("more-counts");
    streamlet<tallying_both>("both");
    plan.streamlets[0].inlets[1].group = plan.streamlets[0].inlets[0].group;
    for (auto& r : plan.streamlets[0].repartitions)
      r.port.group = plan.streamlets[0].inlets[0].group;
  }
};
struct repartitioning_twice : four_partitions {
  repartitioning_twice() { streamlet<ranking_minutes>("rank"); }
};

/// Partitions that are full, nearly empty and empty; each within a minute of its latest.
std::vector<std::vector<line>> uneven_lines(unsigned seed) {
  std::mt19937 random{seed};
  std::vector<std::vector<line>> all(4);
  constexpr std::array sizes{3000, 400, 7, 0};
  for (std::size_t p = 0; p != sizes.size(); ++p)
    for (int i = 0; i != sizes[p]; ++i) {
      const std::int64_t latest = i * 3600LL / sizes[p], back = random() % 60;
      all[p].push_back(
          {"app-" + std::to_string(random() % 20), at(std::max(latest - back, 0L)), "x"});
    }
  return all;
}

totals expected(const std::vector<std::vector<line>>& partitions) {
  totals all;
  for (const auto& lines : partitions)
    for (const auto& l : lines) ++all[{l.app, l.time.time_since_epoch() / 60s * 60}];
  return all;
}

TEST_F(repartitioning, counts_every_record_once_however_unevenly_the_partitions_are_filled) {
  const auto lines = uneven_lines(1);
  start(3);
  for (std::int32_t p = 0; p != 4; ++p) send("lines", lines[static_cast<std::size_t>(p)], p);
  run_to_end();
  EXPECT_EQ(counts(), expected(lines));
  EXPECT_TRUE(read<line>("late").empty());
}

/// Sends and kills as the seed says.
struct killed : repartitioning, ::testing::WithParamInterface<unsigned> {};
INSTANTIATE_TEST_SUITE_P(, killed, ::testing::Range(2U, 8U));

TEST_P(killed, counts_every_record_once) {
  std::mt19937 random{GetParam()};
  const auto lines = uneven_lines(GetParam());
  start();
  std::array<std::size_t, 4> sent{};
  for (int round = 0; round != 30; ++round) {
    const auto p = random() % 4;
    const auto n = std::min<std::size_t>(random() % 500, lines[p].size() - sent[p]);
    const auto first = lines[p].begin() + static_cast<std::ptrdiff_t>(sent[p]);
    if (n != 0)
      send("lines", std::vector<line>(first, first + static_cast<std::ptrdiff_t>(n)),
           static_cast<std::int32_t>(p));
    sent[p] += n;
    step(static_cast<int>(random() % 8));
    if (random() % 2 == 0) continue;
    kill();
    start(1 + random() % 3);
  }
  for (std::size_t p = 0; p != 4; ++p)
    send("lines",
         std::vector<line>(lines[p].begin() + static_cast<std::ptrdiff_t>(sent[p]), lines[p].end()),
         static_cast<std::int32_t>(p));
  run_to_end();
  EXPECT_EQ(counts(), expected(lines));
  EXPECT_TRUE(read<line>("late").empty());
}

TEST_F(repartitioning, windows_wait_for_a_partition_until_it_has_had_nothing_for_the_idle_timeout) {
  plan.streamlets[0].idle_timeout = 30s;
  start();
  send_at(0, {0, 121});
  send_at(1, {0, 121});
  send_at(2, {0, 121});
  step(100);
  EXPECT_TRUE(counts().empty());
  clock.advance(29s);
  step(10);
  EXPECT_TRUE(counts().empty());
  send_at(0, {122});
  send_at(1, {122});
  send_at(2, {122});
  clock.advance(1s);
  step(100);
  EXPECT_EQ(counts(), (totals{{{"app", 0}, 3}}));
}

TEST_F(repartitioning, nobody_is_idle_before_the_log_has_said_that_nothing_is_left) {
  ask_for_ends();
  EXPECT_GE(backend->questions(), 4u);
  EXPECT_TRUE(counts().empty());
  backend->answer(pubsub::error{pubsub::errc::unavailable, "The broker is away."});
  step(100);
  EXPECT_TRUE(counts().empty());
  clock.advance(61s);
  step(100);
  backend->answer();
  step(100);
  EXPECT_EQ(counts(), (totals{{{"app", 0}, 3}}));
}

TEST_F(repartitioning, an_answer_that_was_overtaken_by_records_makes_nobody_idle) {
  ask_for_ends();
  send_at(3, {1});
  step(100);
  backend->answer();
  step(100);
  EXPECT_TRUE(counts().empty());
}

TEST_F(repartitioning, a_record_behind_all_partitions_goes_to_the_late_outlet) {
  start();
  for (std::int32_t p = 0; p != 4; ++p) send_at(p, {0, 121});
  step(100);
  EXPECT_EQ(counts(), (totals{{{"app", 0}, 4}}));
  send_at(1, {1});
  step(100);
  EXPECT_EQ(read<line>("late").size(), 1u);
  EXPECT_EQ(runtime->status()[0].records_in + runtime->status()[1].records_in +
                runtime->status()[2].records_in + runtime->status()[3].records_in,
            9u);
}

TEST_F(repartitioning, what_the_end_of_the_input_has_fired_goes_on_in_the_next_run) {
  start();
  send_at(0, {0});
  send_at(1, {1});
  run_to_end();
  EXPECT_EQ(read<count>("counts"), (std::vector<count>{{"app", at(0), 2}}));
  kill();
  start();
  send_at(3, {2});
  run_to_end();
  EXPECT_EQ(read<count>("counts"), (std::vector<count>{{"app", at(0), 2}, {"app", at(0), 3}}));
}

TEST_F(repartitioning, sets_aside_a_bad_record_on_both_sides_of_the_move) {
  start();
  send("lines",
       std::vector<line>{{"app", at(0), "x"}, {"app", at(1), "bad"}, {"app", at(2), "worse"}}, 2);
  run_to_end();
  EXPECT_EQ(counts(), (totals{{{"app", 0}, 1}}));
  std::map<std::string, std::string> reasons;
  for (const auto& h : headers("app.tally.lines.dead-letter"))
    reasons[h.at("cloudflow-topic")] = h.at("cloudflow-reason");
  EXPECT_EQ(reasons, (std::map<std::string, std::string>{
                         {"lines", "a bad line"}, {"app.tally.seen.repartition", "a worse line"}}));
}

TEST_F(repartitioning, does_not_start_when_the_inlet_has_more_partitions_than_planned) {
  topic<line>("more-lines", 8);
  ASSERT_TRUE(log->ensure_topic({"more-lines", 8, {}, {}}));
  plan.topics.back().is_managed = false;
  plan.streamlets[0].inlets[0].topic = plan.topics.size() - 1;
  const auto started = try_start();
  ASSERT_FALSE(started);
  EXPECT_NE(started.error().message.find("app.tally.seen.repartition has 4"), std::string::npos)
      << started.error().message;
}

TEST_F(repartitioning_twice, watermarks_cross_both_topics) {
  start();
  for (std::int32_t p = 0; p != 4; ++p)
    send("lines", std::vector<line>{{"a", at(p), "x"}, {"b", at(61 + p), "x"}, {"c", at(200), "x"}},
         p);
  step(200);
  EXPECT_EQ(counts(), (totals{{{"busiest", 0}, 4}, {{"busiest", 60}, 4}}));
  run_to_end();
  EXPECT_EQ(counts(), (totals{{{"busiest", 0}, 4}, {{"busiest", 60}, 4}, {{"busiest", 180}, 4}}));
}

TEST_F(repartitioning_twice, idle_partitions_are_known_behind_both_topics) {
  start();
  send("lines", std::vector<line>{{"a", at(0), "x"}, {"b", at(200), "x"}}, 0);
  for (int minute = 0; minute != 4; ++minute) {
    step(50);
    clock.advance(60s);
  }
  step(100);
  EXPECT_EQ(counts(), (totals{{{"busiest", 0}, 1}}));
}

TEST_F(repartitioning_two_inlets, counts_every_record_of_both_once_though_killed) {
  const auto lines = uneven_lines(1), more = uneven_lines(2);
  for (int round = 0; round != 3; ++round) {
    start();
    for (std::int32_t p = round; p < 4; p += 3) {
      send("lines", lines[static_cast<std::size_t>(p)], p);
      send("more-lines", more[static_cast<std::size_t>(p)], p);
    }
    step(5);
    kill();
  }
  start();
  run_to_end();
  EXPECT_EQ(counts(), expected(lines));
  EXPECT_EQ(counts("more-counts"), expected(more));
}

/// All of it has one key, so three tasks have nothing to count.
TEST_F(repartitioning_before_time, tasks_that_no_key_has_come_to_are_known_to_be_idle) {
  start();
  send("lines", std::vector<line>{{"a", at(0), "x"}}, 0);
  step(50);
  send("lines", std::vector<line>{{"a", at(0), "x"}}, 1);
  send("lines", std::vector<line>{{"b", at(200), "y"}}, 0);
  for (int minute = 0; minute != 4; ++minute) {
    step(100);
    clock.advance(60s);
  }
  step(100);
  EXPECT_EQ(counts(), (totals{{{"a", 0}, 1}}));
}

}  // namespace
}  // namespace cloudflow::runtime
