/// Several processes of one application on one log, while processes come, go, hang and crash,
/// partitions move, and commits take time and fail: what comes out is what a single undisturbed
/// process would have made.
///
/// Each seed is a run of its own. A failure names it: CLOUDFLOW_SIMULATION_SEEDS=17-17 runs it
/// again, and 1-100000 takes a while.
#include "cloudflow/testkit/group_simulation.hpp"

#include "cloudflow/flow/boundary.hpp"
#include "cloudflow/pubsub/dead_letter.hpp"
#include "cloudflow/testkit/group_application.test.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <utility>
#include <vector>

namespace cloudflow::testkit::grouptests {
namespace {

using pubsub::topic_partition;
using testing::IsEmpty;
/// Key and number of an event.
using event_id = std::pair<std::string, std::int64_t>;

std::string name_of(const event_id& id) { return fmt::format("{}/{}", id.first, id.second); }

struct seeds {
  std::uint64_t first = 1, last = 1;
  static seeds wanted(std::uint64_t by_default) {
    seeds s{1, by_default};
    if (const char* range = std::getenv("CLOUDFLOW_SIMULATION_SEEDS")) {
      char dash = 0;
      std::istringstream{range} >> s.first >> dash >> s.last;
    }
    return s;
  }
};

/// What a run meets with: from hardly anything to everything at once.
group_options conditions_of(std::uint64_t seed) {
  std::mt19937_64 random{seed};
  const auto up_to = [&](std::uint64_t most) { return static_cast<int>(random() % (most + 1)); };
  return {.seed = seed,
          .processes = 1 + random() % 4,
          .workers = 1 + random() % 3,
          .fault_profile = {.longest_phase = up_to(10),
                            .failing_commits = up_to(40),
                            .retriable_commits = up_to(80),
                            .stale_generations = up_to(500),
                            .unknown_outcomes = up_to(40),
                            .failing_producers = up_to(200),
                            .leaves_marks = up_to(3) != 0,
                            .longest_start = up_to(10),
                            .rebalances = up_to(6),
                            .empty_takes = up_to(300),
                            .short_takes = up_to(200),
                            .longest_restore = up_to(10)},
          .steps_between_events = 20 + random() % 200};
}

/// One run: an application, its events, and what it made of them.
class run {
public:
  run(runtime::plan_builder app, std::uint64_t seed)
    : app_(std::move(app)),
      random_(seed),
      sim_(
          app_.plan, [this](const std::string& c) { return app_.definitions.at(c); },
          conditions_of(seed)) {
    trouble::dice.seed(seed);
    trouble::of_1000 = seed % 5;
    clients::reset();
    for (const auto& topic : sources())
      sim_.log()
          .ensure_topic({.name = topic, .partitions = partitions})
          .ignore("the test would fail");
  }

  /// `look` every now and then.
  template <class F>
  void go_on(int steps, F look) {
    for (int n = 0; n != steps; ++n) {
      sim_.step();
      if (random_() % 20 == 0) send();
      if (random_() % 40 == 0) request("s" + std::to_string(n));
      if (n % 100 == 0) look();
    }
    trouble::of_1000 = 0;
  }
  group_simulation& simulation() { return sim_; }

  // -- events ---

  /// The topics that the sorter reads.
  std::vector<std::string> sources() const {
    const auto& plan = app_.plan;
    return {"events", plan.topics[*plan.streamlets[0].inlets[0].retry_topic].name};
  }

  void send() {
    const auto of = random_() % 5 == 0 ? 1u : 0u;
    flow::outlet_buffer to{partitions};
    for (auto left = 1 + random_() % 8; left != 0; --left)
      append(to, next_event((of == 0 ? "k" : "r") + std::to_string(random_() % 6)));
    const auto topic = sources()[of];
    pubsub::transaction t;
    for (std::int32_t p = 0; p != partitions; ++p)
      t.outputs.push_back(
          {topic, partition_id{p}, &to.by_partition()[static_cast<std::size_t>(p)]});
    auto producer = sim_.log().open_producer({.transactional_id = "test"});
    while (!producer) producer = sim_.log().open_producer({.transactional_id = "test"});
    if (random_() % 4 == 0) {  // leaves offsets without records
      sim_.brokers().fail_commits(1, {});
      (*producer)->commit(t).ignore("it has to fail");
    }
    ASSERT_TRUE((*producer)->commit(t));
  }
  void request(const std::string& key) {
    clients::waiting.push_back(next_event(key));
    clients::waiting.back().kind.clear();
  }
  event next_event(const std::string& key) {
    constexpr const char* kinds[] = {"filtered", "bad", "refused", "garbage"};
    const auto kind = random_() % 40;
    event_time_ += std::chrono::milliseconds{random_() % 1000};
    const auto time = event_time_ - std::chrono::milliseconds{random_() % 5000};
    return {key, ++numbers_[key], time, kind < 4 ? kinds[kind] : "",
            static_cast<std::int64_t>(random_() % 6)};
  }
  static void append(flow::outlet_buffer& to, const event& e) {
    to.append(e.key, [&](byte_writer& w) {
      if (e.kind == "garbage")
        w.put_raw("\x02" + name_of({e.key, e.number}));
      else
        codec<event>::encode(e, w);
    });
  }

  // -- what came out ---

  /// In the order of each partition, as committed.
  template <class T>
  std::vector<T> read(const std::string& topic) {
    std::vector<T> all;
    each(topic, [&](std::int32_t, const record_view& r) {
      view_of<T> v{};
      ASSERT_TRUE(codec<T>::decode(r.value, v));
      all.push_back(codec<T>::own(v));
    });
    return all;
  }
  template <class F>
  void each(const std::string& topic, F f) {
    const auto info = sim_.log().topic(topic);
    if (!info) return;  // no process has started yet
    for (std::int32_t p = 0; p != static_cast<std::int32_t>(info->partitions.size()); ++p) {
      const auto batch = sim_.brokers().committed({topic, partition_id{p}});
      for (const auto& r : batch.records()) f(p, r);
    }
  }
  /// All that the sorter reads, in the order in which it reads it: `f(topic, partition, record,
  /// event)`; none: garbage.
  template <class F>
  void each_event(F f) {
    for (const auto& topic : sources())
      each(topic, [&](std::int32_t p, const record_view& r) {
        event::view e{};
        const bool is_event = codec<event>::decode(r.value, e);
        f(topic_partition{topic, partition_id{p}}, r,
          is_event ? std::optional{codec<event>::own(e)} : std::nullopt);
      });
  }
  /// Those that pass the sorter.
  std::map<event_id, event> events() {
    std::map<event_id, event> all;
    each_event([&](const auto&, const auto&, const auto& e) {
      if (!e || !e->kind.empty()) return;
      EXPECT_TRUE(all.emplace(event_id{e->key, e->number}, *e).second) << "twice: " << e->key;
    });
    return all;
  }
  /// Those that are set aside, by name.
  std::map<std::string, int> bad_events() {
    std::map<std::string, int> all;
    each_event([&](const auto&, const record_view& r, const auto& e) {
      if (!e) ++all[std::string{r.value.substr(1)}];
      if (e && (e->kind == "bad" || e->kind == "refused")) ++all[name_of({e->key, e->number})];
    });
    return all;
  }
  std::map<event_id, int> passed() {
    std::map<event_id, int> times;
    for (const auto* topic : {"evens", "odds"})
      for (const auto& e : read<event>(topic)) ++times[{e.key, e.number}];
    return times;
  }
  /// Of those events that the sorter has committed the positions of.
  std::set<event_id> behind_positions() {
    std::set<event_id> ids;
    each_event([&](const topic_partition& at, const record_view& r, const auto& e) {
      const auto next = sim_.brokers().position("app.sorter.events", at);
      if (r.offset < next.value_or(record_offset{0}) && e && e->kind.empty())
        ids.emplace(e->key, e->number);
    });
    return ids;
  }

private:
  runtime::plan_builder app_;
  std::mt19937_64 random_;
  group_simulation sim_;
  std::map<std::string, std::int64_t> numbers_;
  timestamp event_time_{std::chrono::seconds{1'700'000'000}};
};

/// Names what differs, not all there is.
template <class Key, class Value>
void expect_equal(const std::map<Key, Value>& found, const std::map<Key, Value>& expected,
                  const char* what) {
  std::vector<std::pair<Key, Value>> missing, surplus;
  std::set_difference(expected.begin(), expected.end(), found.begin(), found.end(),
                      std::back_inserter(missing));
  std::set_difference(found.begin(), found.end(), expected.begin(), expected.end(),
                      std::back_inserter(surplus));
  EXPECT_THAT(missing, IsEmpty()) << what;
  EXPECT_THAT(surplus, IsEmpty()) << what;
}

// -- the model ------------------------------------------------------------------------------------

/// Each event once, and those of a key in order.
void expect_sorted(run& r) {
  std::map<event_id, int> expected;
  for (const auto& [id, e] : r.events()) expected[id] = 1;
  expect_equal(r.passed(), expected, "sorted");
  for (const auto* topic : {"evens", "odds"}) {
    std::map<std::string, std::int64_t> last;
    for (const auto& e : r.read<event>(topic)) {
      EXPECT_GT(e.number, last[e.key]) << topic << " " << e.key;
      last[e.key] = e.number;
    }
  }
}

void expect_letters(run& r, bool is_exact) {
  std::map<std::string, int> times;
  r.each("app.sorter.events.dead-letter", [&](std::int32_t, const record_view& letter) {
    event::view e{};
    auto& n = times[codec<event>::decode(letter.value, e) ? name_of({std::string{e.key}, e.number})
                                                          : std::string{letter.value.substr(1)}];
    n = is_exact ? n + 1 : 1;
  });
  expect_equal(times, r.bad_events(), "dead letters");
}

/// Who was told that an event is durable finds it; nobody's is there twice.
void expect_answers(run& r) {
  std::set<std::string> keys;
  for (const auto& [id, e] : r.events())
    EXPECT_TRUE(!e.key.starts_with('s') || keys.insert(e.key).second) << "twice: " << e.key;
  for (const auto& key : clients::answered) EXPECT_TRUE(keys.contains(key)) << "lost: " << key;
  EXPECT_FALSE(clients::answered.empty());
}

/// Counts of each key and parity go up by one with each event, in order; the last one is that of
/// all events.
void expect_counted(run& r, const char* topic, bool has_odds) {
  std::map<std::pair<std::string, bool>, std::pair<std::int64_t, std::int64_t>> last, expected;
  for (const auto& t : r.read<tally>(topic)) {
    auto& [number, count] = last[{t.key, t.number % 2 != 0}];
    EXPECT_GT(t.number, number) << topic << " " << t.key;
    EXPECT_EQ(t.count, count + 1) << topic << " " << t.key;
    number = t.number;
    count = t.count;
  }
  for (const auto& [id, e] : r.events()) {
    const bool is_odd = e.number % 2 != 0;
    if (is_odd && !has_odds) continue;
    auto& [number, count] = expected[{e.key, is_odd}];
    number = e.number;
    ++count;
  }
  expect_equal(last, expected, topic);
}

void expect_windows(run& r) {
  std::map<event_id, std::int64_t> last, expected;
  for (const auto& t : r.read<tally>("windows")) {
    auto& count = last[{t.key, t.number}];
    EXPECT_GT(t.count, count) << t.key << " " << t.number;
    count = t.count;
  }
  for (const auto& [id, e] : r.events())
    if (e.number % 2 != 0) ++expected[{e.key, e.time.time_since_epoch() / 10s * 10}];
  expect_equal(last, expected, "windows");
}

std::map<event_id, std::int64_t> windows_to_gather(run& r) {
  std::map<event_id, std::int64_t> expected;
  r.each_event([&](const topic_partition& at, const auto&, const auto& e) {
    if (at.topic == r.sources()[0] && e && gathering::takes(e->key))
      ++expected[{gathering::group_of(e->number), e->time.time_since_epoch() / 10s * 10}];
  });
  return expected;
}

/// Each window once, and nothing late.
void expect_gathered(run& r) {
  std::map<event_id, std::int64_t> counts;
  for (const auto& t : r.read<tally>("gathered"))
    EXPECT_TRUE(counts.emplace(event_id{t.key, t.number}, t.count).second)
        << t.key << " " << t.number;
  expect_equal(counts, windows_to_gather(r), "gathered");
  EXPECT_THAT(r.read<event>("late"), IsEmpty());
  const auto moved = r.simulation().log().topic("app.gatherer.counts.repartition");
  EXPECT_TRUE(std::ranges::any_of(moved->partitions, [](const auto& p) {
    return p.first != record_offset{0};
  })) << "nothing that was counted has been forgotten";
}

void expect_parts(run& r) {
  std::map<event_id, std::int64_t> next;
  for (const auto& t : r.read<tally>("parts")) EXPECT_EQ((next[{t.key, t.number}]++), t.count);
  for (const auto& [id, e] : r.events())
    EXPECT_EQ(next[id], e.number % 2 != 0 ? e.parts : 0) << id.first << "/" << id.second;
}

/// What a new process finds in the store of the totals.
void expect_state(run& r) {
  std::map<std::string, std::int64_t> counts, expected;
  auto& log = r.simulation().log();
  ASSERT_TRUE(log.ensure_state("totaller", partitions));
  for (std::int32_t p = 0; p != partitions; ++p) {
    ASSERT_TRUE(log.restore("totaller", partition_id{p}, [] {}).value());
    ASSERT_TRUE(log.state().scan("totaller.totals", partition_id{p}, {},
                                 [&](std::string_view key, std::string_view value) {
                                   // Behind the number of its schema.
                                   counts[std::string{byte_reader{key}.get_text()}] =
                                       byte_reader{value.substr(1)}.get_long();
                                   return true;
                                 }));
  }
  for (const auto& [id, e] : r.events())
    if (e.number % 2 == 0) ++expected[e.key];
  expect_equal(counts, expected, "state of the totals");
}

// -- properties -----------------------------------------------------------------------------------

constexpr int steps_of_a_run = 2000;
constexpr std::uint64_t enough = 20'000;

class a_group : public testing::Test {
protected:
  template <class F>
  void for_each_seed(std::uint64_t count, F f) {
    const auto range = seeds::wanted(count);
    for (auto seed = range.first; seed <= range.last && !HasFailure(); ++seed) {
      SCOPED_TRACE(fmt::format("CLOUDFLOW_SIMULATION_SEEDS={0}-{0}", seed));
      f(seed);
    }
  }
};

TEST_F(a_group, processes_each_event_exactly_once) {
  for_each_seed(6, [](std::uint64_t seed) {
    run r{whole_application(), seed};
    r.go_on(steps_of_a_run, [&] {
      std::set<event_id> passed;
      for (const auto& [id, times] : r.passed()) passed.insert(id);
      EXPECT_EQ(passed, r.behind_positions());
    });
    auto& sim = r.simulation();
    const auto settled = sim.settle(enough);
    ASSERT_TRUE(settled) << settled.error().message;
    const auto done = sim.run_to_end(enough);
    ASSERT_TRUE(done) << done.error().message;
    expect_sorted(r);
    expect_letters(r, true);
    expect_answers(r);
    expect_counted(r, "totals", false);
    expect_counted(r, "merged", true);
    expect_windows(r);
    expect_gathered(r);
    expect_parts(r);
    expect_state(r);
    EXPECT_THAT(sim.brokers().violations(), IsEmpty());
  });
}

TEST_F(a_group, has_processes_that_are_killed_in_the_middle_of_a_transaction) {
  std::uint64_t crashes = 0;
  for (std::uint64_t seed = 1; seed != 6; ++seed) {
    run r{sorter_alone(), seed};
    r.go_on(steps_of_a_run / 4, [] {});
    crashes += r.simulation().crashes_in_transactions();
  }
  EXPECT_GT(crashes, 0u) << "what is tested is kinder than what it stands for";
}

TEST_F(a_group, loses_no_event_where_each_counts_at_least_once) {
  for_each_seed(10, [](std::uint64_t seed) {
    auto app = sorter_alone();
    app.plan.streamlets[0].guarantee = blueprint::delivery::at_least_once;
    run r{std::move(app), seed};
    r.go_on(steps_of_a_run, [&] {
      const auto passed = r.passed();
      for (const auto& id : r.behind_positions())
        EXPECT_TRUE(passed.contains(id)) << id.first << "/" << id.second;
    });
    auto& sim = r.simulation();
    const auto settled = sim.settle(enough);
    ASSERT_TRUE(settled) << settled.error().message;
    EXPECT_EQ(r.passed().size(), r.events().size());
    expect_letters(r, false);
    EXPECT_THAT(sim.brokers().violations(), IsEmpty());
  });
}

TEST_F(a_group, counts_in_windows_over_all_partitions_no_event_less_than_once) {
  for_each_seed(6, [](std::uint64_t seed) {
    auto app = sorter_alone();
    add_gatherer(app);
    for (auto& s : app.plan.streamlets) s.guarantee = blueprint::delivery::at_least_once;
    run r{std::move(app), seed};
    r.go_on(steps_of_a_run, [] {});
    auto& sim = r.simulation();
    const auto done = sim.run_to_end(enough);
    ASSERT_TRUE(done) << done.error().message;
    std::map<event_id, std::int64_t> counts;
    for (const auto& t : r.read<tally>("gathered")) {
      auto& most = counts[{t.key, t.number}];
      most = std::max(most, t.count);
    }
    for (const auto& [window, count] : windows_to_gather(r))
      EXPECT_GE(counts[window], count) << window.first << " " << window.second;
    EXPECT_THAT(sim.brokers().violations(), IsEmpty());
  });
}

}  // namespace
}  // namespace cloudflow::testkit::grouptests
