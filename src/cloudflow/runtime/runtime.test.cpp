#include "cloudflow/runtime/fixture.test.hpp"

#include "cloudflow/runtime/streamlets.test.hpp"
#include "cloudflow/runtime/threads.hpp"

#include <thread>

namespace cloudflow::runtime {

/// Its function takes longer than its task has time: what the executor does then.
struct dawdling {
  static inline std::function<void()> takes_long;
  inlet<line> in{"lines"};
  outlet<line> out{"shouted"};
  auto logic() const {
    return from(in)
        .map([](const line::view& l) {
          takes_long();
          return line{std::string{l.app}, l.time, std::string{l.text}};
        })
        .to(out);
  }
};

namespace {

const std::vector<line> four{
    {"a", at(0), "one"}, {"b", at(1), "two"}, {"a", at(61), "three"}, {"b", at(62), "four"}};

class two_streamlets : public application {
protected:
  explicit two_streamlets(
      blueprint::bad_record_policy policy = blueprint::bad_record_policy::dead_letter) {
    topic<line>("lines");
    topic<line>("shouted", 2);
    topic<count>("counts");
    streamlet<shouting>("shouter", policy);
    streamlet<counting>("counter");
    trouble::is_away = false;
  }
  std::map<std::pair<std::string, std::int64_t>, std::int64_t> counts() {
    std::map<std::pair<std::string, std::int64_t>, std::int64_t> all;
    for (const auto& c : read<count>("counts"))
      EXPECT_TRUE(all.emplace(std::pair{c.app, c.start.time_since_epoch() / 1s}, c.lines).second);
    return all;
  }
  using expected = std::map<std::pair<std::string, std::int64_t>, std::int64_t>;
};
struct failing_policy : two_streamlets {
  failing_policy() : two_streamlets(blueprint::bad_record_policy::fail) {}
};
struct skipping_policy : two_streamlets {
  skipping_policy() : two_streamlets(blueprint::bad_record_policy::skip) {}
};

TEST_F(two_streamlets, pass_records_on_and_fire_all_windows_at_the_end_of_the_input) {
  start();
  send("lines", four);
  run_to_end();
  EXPECT_EQ(counts(), (expected{{{"a", 0}, 1}, {{"b", 0}, 1}, {{"a", 60}, 1}, {{"b", 60}, 1}}));
}

TEST_F(two_streamlets, say_how_far_the_watermark_of_windows_is_behind_the_time_of_day) {
  start();
  send("lines", std::vector<line>{{"a", at(30), "one"}, {"a", at(40), "two"}});
  step();
  std::vector<std::chrono::milliseconds> delays;
  for (const auto& t : runtime->status())
    if (t.watermark_delay) delays.push_back(*t.watermark_delay);
  EXPECT_EQ(delays, std::vector{clock.now() - at(40)}) << "of the one task that has windows";
}

TEST_F(two_streamlets, count_each_record_once_however_often_they_are_killed) {
  for (int round = 0; round != 30; ++round) {
    start(1 + static_cast<std::size_t>(round) % 3);
    if (round < 20) send("lines", std::vector<line>{{"a", at(round), "x"}});
    step(round % 7);
    kill();
  }
  start();
  run_to_end();
  EXPECT_EQ(counts(), (expected{{{"a", 0}, 20}}));
  EXPECT_EQ(texts("shouted").size(), 20u);
}

TEST_F(two_streamlets, put_a_record_that_makes_the_code_throw_aside_and_go_on) {
  start();
  send("lines", std::vector<line>{{"a", at(0), "one"}, {"a", at(1), "bad"}, {"a", at(2), "two"}});
  run_to_end();
  EXPECT_EQ(texts("shouted"), (std::vector<std::string>{"one!", "two!"}));
  std::map<std::string, std::string> headers;
  each("app.shouter.lines.dead-letter", [&](const record_view& r) {
    for (const auto& h : r.headers) headers[std::string{h.name}] = h.value;
  });
  EXPECT_EQ(headers["cloudflow-reason"], "a bad line");
  EXPECT_EQ(headers["cloudflow-topic"], "lines");
  EXPECT_EQ(headers["cloudflow-offset"], "1");
}

TEST_F(two_streamlets, keep_key_and_headers_of_a_record_in_its_dead_letter) {
  byte_writer bad;
  codec<line>::encode(line{"a", at(0), "bad"}, bad);
  record_buffer records;
  records.append({}, bad.view());
  records.add_header("trace", "42");
  records.add_header("cloudflow-failures", "1");
  records.append("b", "no line");
  records.add_header("trace", "43");
  start();
  send("lines", records);
  run_to_end();
  std::vector<std::string> letters;
  each("app.shouter.lines.dead-letter", [&](const record_view& r) {
    std::string letter = r.key.data() == nullptr ? "no key" : std::string{r.key};
    for (const auto& h : r.headers)
      if (h.name == "trace" || h.name == "cloudflow-failures")
        letter += " " + std::string{h.name} + "=" + std::string{h.value};
    letters.push_back(letter);
  });
  std::sort(letters.begin(), letters.end());
  EXPECT_EQ(letters,
            (std::vector<std::string>{"b trace=43", "no key trace=42 cloudflow-failures=1"}));
}

TEST_F(skipping_policy, drops_a_record_that_makes_the_code_throw) {
  start();
  send("lines", std::vector<line>{{"a", at(0), "bad"}, {"a", at(2), "two"}});
  run_to_end();
  EXPECT_EQ(texts("shouted"), (std::vector<std::string>{"two!"}));
}

TEST_F(failing_policy, stops_the_streamlet_at_the_record_while_others_go_on) {
  start();
  send("lines", std::vector<line>{{"a", at(0), "one"}, {"a", at(1), "bad"}, {"a", at(2), "two"}});
  step(400);
  EXPECT_FALSE(runtime->is_ready());
  const auto status = runtime->status();
  const auto shouter = std::find_if(status.begin(), status.end(),
                                    [](const auto& t) { return t.streamlet == "shouter"; });
  EXPECT_EQ(shouter->failure, "inlet lines, topic lines, partition 0, offset 1: a bad line");
  EXPECT_GE(shouter->restarts, 2u);
  EXPECT_EQ(shouter->sources[0].lag(), 3);
  send("shouted", std::vector<line>{{"b", at(0), "x"}, {"b", at(60), "x"}});
  step();
  EXPECT_EQ(counts().size(), 1u);
}

TEST_F(two_streamlets, try_again_from_the_last_commit_when_something_outside_fails) {
  start();
  trouble::is_away = true;
  send("lines", std::vector<line>{{"a", at(0), "one"}, {"a", at(1), "later"}});
  step(50);
  EXPECT_FALSE(runtime->is_ready());
  trouble::is_away = false;
  clock.advance(30s);
  run_to_end();
  EXPECT_EQ(texts("shouted"), (std::vector<std::string>{"one!", "later!"}));
}

class slow_streamlet : public application {
protected:
  slow_streamlet() {
    topic<line>("lines");
    topic<line>("shouted");
    topic<line>("echoes");
    streamlet<dawdling>("slow");
    streamlet<echoing>("neighbour");
    dawdling::takes_long = [this] {
      ++slow_calls_;
      runtime->workers().front()->interrupt();
    };
  }
  int slow_calls_ = 0;
};

TEST_F(slow_streamlet, takes_no_time_from_its_neighbours_on_the_same_worker) {
  start(1);
  send("lines", std::vector<line>(100, line{"a", at(0), "x"}));
  while (slow_calls_ < 90) step(1);
  EXPECT_EQ(texts("echoes").size(), 100u);
  EXPECT_LE(texts("shouted").size(), 90u);
}

TEST_F(two_streamlets, wait_with_a_commit_that_may_succeed_later) {
  start(1);
  send("lines", four);
  backend->fail(3, {.code = pubsub::errc::disk_full, .message = "full"});
  step(3);
  EXPECT_TRUE(texts("shouted").empty());
  clock.advance(2s);
  run_to_end();
  EXPECT_EQ(texts("shouted").size(), 4u);
  EXPECT_EQ(counts().size(), 4u);
}

TEST_F(two_streamlets, say_when_they_cannot_start_whether_it_is_worth_another_try) {
  backend->fail(1, {.code = pubsub::errc::disk_full, .message = "full"});
  const auto started = try_start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error(), (error{"streamlet counter: State store counter.seen: full", true}));
  EXPECT_TRUE(try_start());
}

TEST_F(two_streamlets, fault_c5_try_a_failed_commit_again_ever_more_slowly_up_to_5_seconds) {
  start(1);
  send("lines", four);
  constexpr int always = 1'000;
  const auto pauses = [&] {
    backend->fail(always, {.code = pubsub::errc::disk_full, .message = "full"});
    step(3);
    std::vector<std::chrono::milliseconds> all;
    auto left = backend->failures_left();
    for (auto since = 100ms; all.size() != 7; since += 100ms) {
      clock.advance(100ms);
      step(1);
      if (std::exchange(left, backend->failures_left()) == left) continue;
      all.push_back(since);
      since = 0ms;
    }
    return all;
  };
  const std::vector<std::chrono::milliseconds> growing{200ms,  400ms,  800ms, 1600ms,
                                                       3200ms, 5000ms, 5000ms};
  // To the tenth: the clock goes on a little in each step.
  const auto expect_growing = [&](const std::vector<std::chrono::milliseconds>& found) {
    ASSERT_EQ(found.size(), growing.size());
    for (std::size_t i = 0; i != found.size(); ++i) {
      EXPECT_LE(found[i], growing[i]) << i;
      EXPECT_GE(found[i], growing[i] * 9 / 10) << i;
    }
  };
  expect_growing(pauses());
  backend->fail(0, {});
  clock.advance(5s);
  run_to_end();
  EXPECT_EQ(texts("shouted").size(), 4u);
  send("lines", four);
  expect_growing(pauses());  // a success begins anew
}

TEST_F(two_streamlets, do_everything_since_the_last_commit_again_when_a_commit_fails_for_good) {
  start(1);
  send("lines", four);
  backend->fail(2, {.code = pubsub::errc::fenced, .message = "fenced"});
  step(10);
  clock.advance(5s);
  run_to_end();
  EXPECT_EQ(texts("shouted").size(), 4u);
  EXPECT_EQ(counts(), (expected{{{"a", 0}, 1}, {{"b", 0}, 1}, {{"a", 60}, 1}, {{"b", 60}, 1}}));
}

TEST_F(two_streamlets, are_not_ready_while_commits_make_no_progress_and_name_the_first_cause) {
  start(1);
  send("lines", four);
  backend->fail(1, {.code = pubsub::errc::unavailable, .message = "first"});
  step(3);
  EXPECT_EQ(runtime->why_not_ready(), "") << "a moment is nothing";
  backend->fail(100, {.code = pubsub::errc::unavailable, .message = "then"});
  for (int i = 0; i != 12; ++i) {
    clock.advance(2s);
    step(2);
  }
  const auto why = runtime->why_not_ready();
  EXPECT_TRUE(why.find(": no commit for 2") != std::string::npos && why.ends_with(" s: first"))
      << why;
  backend->fail(0, {});
  clock.advance(2s);
  run_to_end();
  EXPECT_EQ(runtime->why_not_ready(), "");
  EXPECT_FALSE(runtime->must_end());
}

TEST_F(two_streamlets, end_with_their_process_when_the_log_says_that_only_a_new_one_can_go_on) {
  start(1);
  send("lines", four);
  backend->fail(1, {.code = pubsub::errc::must_restart, .message = "too many"});
  step(10);
  EXPECT_TRUE(runtime->must_end());
}

TEST_F(two_streamlets, refuse_a_record_whose_key_is_not_the_field_that_the_inlet_is_keyed_by) {
  start();
  record_buffer wrong;
  byte_writer w;
  codec<line>::encode(four[0], w);
  wrong.append("not-a", w.view());
  send("shouted", wrong);
  run_to_end();
  std::size_t refused = 0;
  each("app.counter.shouted.dead-letter", [&](const record_view&) { ++refused; });
  EXPECT_EQ(refused, 1u);
}

/// In whichever partition it is, nothing says that the others of its field are there too.
TEST_F(two_streamlets, refuse_a_record_without_key_where_the_inlet_is_keyed_by_a_field) {
  start();
  for (const std::int32_t partition : {0, 1}) {
    record_buffer records;
    byte_writer w;
    codec<line>::encode(four[0], w);
    records.append(four[0].app, w.view());
    records.append({}, w.view());
    send("shouted", records, partition);
  }
  run_to_end();
  std::size_t refused = 0;
  each("app.counter.shouted.dead-letter", [&](const record_view&) { ++refused; });
  EXPECT_EQ(refused, 2u);
}

/// One that could be tried again unchanged, which would not help; and one that ends the producer.
class too_large_commits : public two_streamlets,
                          public testing::WithParamInterface<pubsub::errc> {};

TEST_P(too_large_commits, are_made_smaller_until_they_pass) {
  start();
  constexpr int records = 20'000;
  std::vector<line> lines;
  for (int i = 0; i != records; ++i) lines.push_back({"a", at(0), std::string(200, 'x')});
  send("lines", lines);
  backend->refuse_larger_than(400'000, {GetParam(), "timed out"});
  for (int i = 0; i != 5000 && !runtime->advance_to_end(); ++i) {
    clock.advance(50ms);
    step(1);
  }
  EXPECT_EQ(texts("shouted").size(), std::size_t{records});
}
INSTANTIATE_TEST_SUITE_P(by, too_large_commits,
                         testing::Values(pubsub::errc::unavailable, pubsub::errc::session_failed));

TEST_F(two_streamlets, that_brokers_refuse_again_and_again_are_not_ready) {
  start();
  backend->fail(1'000'000, {.code = pubsub::errc::rebalanced, .message = "who is that"});
  send("lines", four);
  const auto before = backend->failures_left();
  for (int i = 0; i != 60; ++i) step(100);  // half a minute
  EXPECT_FALSE(runtime->is_ready());
  EXPECT_LT(before - backend->failures_left(), 200) << "there are pauses";
  backend->fail(0, {});
  run_to_end();
  EXPECT_EQ(texts("shouted").size(), four.size());
}

struct not_yet {
  std::string reason() const { return "not yet"; }
  bool is_retriable() const { return true; }
};

/// Gives out the record, waits for the next attempt, and throws if there is trouble then.
struct stumbling {
  using state = std::int64_t;
  using output = line;
  std::string key(const line& l) const { return l.app; }
  result<expansion_progress, not_yet> advance(std::int64_t& calls, const line& l,
                                              expansion_output<line>& out) const {
    if (calls++ == 0) {
      out.emit(l);
      return not_yet{};
    }
    if (std::exchange(trouble::is_away, false)) throw std::runtime_error("stumbled");
    return expansion_progress::done;
  }
};

struct counting_after_attempts {
  inlet<line> in{"lines"};
  outlet<count> out{"counts", key(&count::app)};
  state<std::int64_t> first{"first"}, progress{"progress"}, second{"second"};
  auto logic() const {
    return from(in)
        .event_time(&line::time, in_order)
        .key_by(&line::app)
        .window(tumbling{60s})
        .fold(first, [](std::int64_t& n, const line::view&) { ++n; })
        .map([](const windowed<std::string, std::int64_t>& w) {
          return line{w.key, w.window.start, "x"};
        })
        .expand(progress, stumbling{}, retry{.first_delay = 1s})
        .on_error<not_yet>(dead_letter)
        .key_by(&line::app)
        .window(tumbling{60s})
        .fold(second, [](std::int64_t& n, const line&) { ++n; })
        .map([](const windowed<std::string, std::int64_t>& w) {
          return count{w.key, w.window.start, w.value};
        })
        .to(out);
  }
};

/// In one partition, or in two, through a repartition topic.
struct attempts_at_the_end : application, testing::WithParamInterface<int> {
  attempts_at_the_end() {
    topic<line>("lines", GetParam());
    topic<count>("counts");
    streamlet<counting_after_attempts>("counter");
  }
};

TEST_P(attempts_at_the_end, of_which_one_throws_do_not_keep_the_windows_behind_them_from_firing) {
  trouble::is_away = true;
  start();
  send("lines", std::vector<line>{{"a", at(0), "x"}});
  run_to_end();
  std::size_t windows = 0;
  each("counts", [&](const record_view&) { ++windows; });
  EXPECT_EQ(windows, 1u);
}
INSTANTIATE_TEST_SUITE_P(partitions, attempts_at_the_end, testing::Values(1, 2));

TEST_F(two_streamlets, run_on_threads_of_their_own) {
  const system_clock real;
  time = &real;
  start(3);
  {
    const worker_threads threads{*runtime};
    for (int n = 0; n != 50; ++n)
      send("lines", std::vector<line>{{"a", at(n % 60), "x"}, {"b", at(n % 60), "y"}});
    while (!runtime->advance_to_end()) std::this_thread::yield();
  }
  EXPECT_EQ(counts(), (expected{{{"a", 0}, 50}, {{"b", 0}, 50}}));
  kill();
}

TEST_F(two_streamlets, commit_what_they_have_done_when_their_threads_end) {
  worker.commit_interval = worker.commit_linger = std::chrono::years{100};
  start(2);
  {
    const worker_threads threads{*runtime};
    trouble::shouted = 0;
    send("lines", four);
    while (trouble::shouted != 4) std::this_thread::yield();
  }
  EXPECT_EQ(texts("shouted").size(), 4u);
  kill();
}

TEST_F(two_streamlets, that_are_both_held_up_share_the_bytes_that_may_wait_for_a_commit) {
  worker.max_uncommitted_bytes = 20'000;
  worker.tasks.fetch.max_records = 1;
  start(2);
  send("lines", std::vector<line>(100, line{"a", at(0), std::string(1000, 'x')}));
  backend->fail(1'000, {.code = pubsub::errc::disk_full, .message = "full"});
  step(200);
  const auto all = runtime->status();
  const auto shouter = std::ranges::find(all, "shouter", &task_status::streamlet);
  ASSERT_NE(shouter, all.end());
  EXPECT_GE(shouter->records_in, 9u);
  EXPECT_LE(shouter->records_in, 12u);
}

TEST_F(failing_policy, stops_at_a_record_that_cannot_be_decoded) {
  start();
  record_buffer broken;
  broken.append("a", "\x02");
  send("lines", broken);
  step(50);
  EXPECT_FALSE(runtime->is_ready());
  std::size_t letters = 0;
  each("app.shouter.lines.dead-letter", [&](const record_view&) { ++letters; });
  EXPECT_EQ(letters, 0u);
}

TEST(metrics, are_written_as_prometheus_reads_them) {
  const task_status t{.streamlet = "s",
                      .partition = 1,
                      .is_running = true,
                      .failure = {},
                      .records_in = 7,
                      .sources = {{"in", "t", 1, 3, 10}}};
  const auto text = to_prometheus("app", {t}, {{"app.0", 5, 2, 1}});
  EXPECT_NE(
      text.find(
          "cloudflow_records_in_total{application=\"app\",streamlet=\"s\",partition=\"1\"} 7"),
      std::string::npos)
      << text;
  EXPECT_NE(text.find("cloudflow_lag_records{application=\"app\",streamlet=\"s\",inlet=\"in\","
                      "topic=\"t\",partition=\"1\"} 7"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("cloudflow_commit_retries_total{application=\"app\",worker=\"app.0\"} 2"),
            std::string::npos)
      << text;
}

}  // namespace
}  // namespace cloudflow::runtime
