#include "cloudflow/flow/repartition.hpp"

#include "cloudflow/base/hash.hpp"
#include "cloudflow/flow/streamlets.test.hpp"
#include "cloudflow/schema/avro_schema.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <optional>

namespace cloudflow::testing {
namespace {

using namespace std::chrono_literals;

/// Lines of each app in each minute, counted over all of the partitions of a topic that has no key.
using totals_by_window = std::map<std::pair<std::string, timestamp>, std::int64_t>;

constexpr std::size_t out_port = 0, late_port = 1, moved_topic = 2, moved_inlet = 1;

/// One task for each partition of an inlet, over logs in memory: what is committed is what the
/// others see.
class tasks {
public:
  tasks(const per_minute& streamlet, std::size_t partitions)
    : streamlet_(&streamlet), inlet_(partitions), moved_(partitions), all_(partitions) {
    for (std::size_t p = 0; p != partitions; ++p) start(p);
  }
  void send(std::size_t partition, const line& l) {
    byte_writer w;
    codec<line>::encode(l, w);
    inlet_[partition].emplace_back(w.view());
  }
  /// At most so many records of the inlet, or of those that have moved; false if there are none.
  bool read(std::size_t p, std::size_t at_most) {
    return run(p, 0, inlet_[p], all_[p].next[0], at_most);
  }
  bool read_moved(std::size_t p, std::size_t at_most) {
    return run(p, moved_inlet, moved_[p], all_[p].next[moved_inlet], at_most);
  }
  void commit(std::size_t p) {
    auto& t = all_[p];
    t.program->save();
    for (const auto& c : t.changes.state.entries()) {
      const std::pair key{c.store, std::string{t.changes.state.key(c)}};
      if (const auto value = t.changes.state.value(c))
        t.stores.values[key] = *value;
      else
        t.stores.values.erase(key);
    }
    for (std::size_t o = 0; o != t.changes.outputs.size(); ++o) append(o, t.changes.outputs[o]);
    t.changes.clear();
    t.committed_next[0] = t.next[0];
    t.committed_next[1] = t.next[1];
    t.program->committed();
  }
  void kill(std::size_t p) {
    all_[p].changes.clear();
    start(p);
  }
  void finish(std::size_t p) { (void)all_[p].program->finish(); }
  void mark_idle(std::size_t p) { all_[p].program->mark_idle(0); }
  std::size_t size() const noexcept { return all_.size(); }
  /// Reads and commits whatever there is.
  void settle() {
    for (std::size_t p = 0; p != size(); ++p) commit(p);
    for (bool has_read = true; has_read;) {
      has_read = false;
      for (std::size_t p = 0; p != size(); ++p) {
        has_read |= read(p, 1000);
        has_read |= read_moved(p, 1000);
        commit(p);
      }
    }
  }
  void end() {
    settle();
    for (std::size_t p = 0; p != size(); ++p) finish(p);
    settle();
  }

  /// Each row that came out, in its order.
  std::vector<count> rows() const { return decoded_as<count>(out_); }
  std::vector<line> late() const { return decoded_as<line>(late_); }
  virtual_clock time;

  std::size_t moved_values() const {
    std::size_t sum = 0;
    for (const auto& p : moved_) sum += p.size();
    return sum;
  }

private:
  struct task {
    memory_stores stores;
    flow::changes changes;
    std::unique_ptr<flow::operator_chain> program;
    std::array<std::size_t, 2> next{}, committed_next{};
  };

  void start(std::size_t p) {
    auto& t = all_[p];
    t.program.reset();
    if (t.changes.outputs.empty()) {
      t.changes.outputs.emplace_back(1);
      t.changes.outputs.emplace_back(1);
      t.changes.outputs.emplace_back(static_cast<std::int32_t>(size()));
    }
    const std::vector<const void*> inlets{&streamlet_->in},
        outlets{&streamlet_->out, &streamlet_->late}, states{&streamlet_->lines};
    flow::wiring w{inlets,
                   outlets,
                   states,
                   {.out = &t.changes,
                    .stores = &t.stores,
                    .time = &time,
                    .wake = {},
                    .repartitions = {{.state = 0, .inlet = moved_inlet, .outlet = moved_topic}},
                    .partition = static_cast<std::int32_t>(p)}};
    auto pipeline = streamlet_->logic();
    t.program =
        detail::make_operator_chain(t.changes, pipeline.bind(detail::end{&t.changes.counted}, w));
    (void)t.program->load();
    t.next = t.committed_next;
  }
  bool run(std::size_t p, std::size_t inlet, const std::vector<std::string>& from,
           std::size_t& next, std::size_t at_most) {
    std::vector<record_view> records;
    for (auto i = next; i != std::min(next + at_most, from.size()); ++i)
      records.push_back({{}, from[i], {}, at(0), record_offset{static_cast<std::int64_t>(i)}});
    if (records.empty()) return false;
    next += all_[p].program->run({inlet, "lines", 0, records}).processed;
    return true;
  }
  void append(std::size_t outlet, const flow::outlet_buffer& from) {
    const auto parts = from.by_partition();
    for (std::size_t p = 0; p != parts.size(); ++p) {
      auto& to = outlet == out_port ? out_ : outlet == late_port ? late_ : moved_[p];
      for (const auto& e : parts[p].entries()) to.emplace_back(parts[p].value(e));
    }
  }
  template <class T>
  static std::vector<T> decoded_as(const std::vector<std::string>& values) {
    std::vector<T> all;
    for (const auto& v : values) all.push_back(detail::decoded<T>(v));
    return all;
  }

  const per_minute* streamlet_;
  std::vector<std::vector<std::string>> inlet_, moved_;
  std::vector<std::string> out_, late_;
  std::vector<task> all_;
};

struct repartitioned : ::testing::Test {
  explicit repartitioned(allowed_lateness l = {0ms}) : streamlet{l} {}
  std::vector<std::pair<std::int64_t, std::int64_t>> results() const {
    std::vector<std::pair<std::int64_t, std::int64_t>> all;
    for (const auto& c : t.rows()) all.emplace_back(c.start.time_since_epoch() / 1s, c.lines);
    return all;
  }
  void send(std::size_t partition, std::initializer_list<std::int64_t> seconds) {
    for (const auto s : seconds) t.send(partition, {"app", at(s), "x"});
    t.settle();
  }
  using rows = std::vector<std::pair<std::int64_t, std::int64_t>>;
  per_minute streamlet;
  tasks t{streamlet, 3};
};
struct repartitioned_late : repartitioned {
  repartitioned_late() : repartitioned({60s}) {}
};

TEST_F(repartitioned, windows_count_the_records_of_all_partitions) {
  send(0, {0, 60});
  send(1, {30, 70});
  send(2, {59, 80});
  EXPECT_EQ(results(), (rows{{0, 3}}));
}

TEST_F(repartitioned, records_whose_key_is_of_their_own_partition_do_not_move) {
  const auto home = static_cast<std::size_t>(partition_of("app", 3));
  constexpr std::size_t marks = 3;
  send(home, {0});
  EXPECT_EQ(t.moved_values(), marks);
  send((home + 1) % 3, {0});
  EXPECT_EQ(t.moved_values(), 2 * marks + 1);
}

TEST_F(repartitioned, windows_wait_for_partitions_that_nobody_has_heard_of) {
  send(0, {0, 1'000});
  send(1, {0, 2'000});
  EXPECT_EQ(results(), rows{});
  send(2, {61});
  EXPECT_EQ(results(), (rows{{0, 2}}));
}

TEST_F(repartitioned, a_partition_may_be_ahead_as_far_as_it_likes) {
  send(0, {0, 1'000'000});
  send(1, {0, 1'000'000});
  send(2, {0, 20, 40, 1'000'000});
  EXPECT_EQ(results(), (rows{{0, 5}}));
  EXPECT_TRUE(t.late().empty());
}

TEST_F(repartitioned, windows_do_not_wait_for_idle_partitions) {
  send(0, {0, 60});
  send(1, {1, 60});
  t.mark_idle(2);
  t.settle();
  EXPECT_EQ(results(), (rows{{0, 2}}));
}

TEST_F(repartitioned, a_partition_that_is_no_longer_idle_holds_windows_up_again) {
  send(2, {5});
  t.mark_idle(2);
  send(0, {0});
  send(1, {1});
  send(2, {10});
  send(0, {60});
  send(1, {60});
  EXPECT_EQ(results(), rows{});
  send(2, {60});
  EXPECT_EQ(results(), (rows{{0, 4}}));
}

TEST_F(repartitioned, windows_are_as_far_as_the_latest_partition_when_all_are_idle) {
  send(0, {0, 60});
  send(1, {1});
  for (const std::size_t p : {0, 1, 2}) t.mark_idle(p);
  t.settle();
  EXPECT_EQ(results(), (rows{{0, 2}}));
}

TEST_F(
    repartitioned,
    windows_wait_again_for_a_partition_that_has_not_last_sent_watermark_for_long_that_it_is_idle) {
  send(2, {5});
  t.mark_idle(2);
  t.settle();
  t.time.advance(179s);
  send(0, {0, 60});
  t.time.advance(1s);
  send(1, {1, 60});
  EXPECT_EQ(results(), rows{});
  t.mark_idle(2);
  t.settle();
  EXPECT_EQ(results(), (rows{{0, 3}}));
}

TEST_F(repartitioned, after_a_start_windows_wait_for_partitions_that_were_idle) {
  send(2, {5});
  t.mark_idle(2);
  t.settle();
  for (const std::size_t p : {0, 1, 2}) t.kill(p);
  send(0, {0, 60});
  send(1, {1, 60});
  EXPECT_EQ(results(), rows{});
}

TEST_F(repartitioned, a_start_without_records_says_nothing) {
  send(0, {0});
  const auto before = t.moved_values();
  for (const std::size_t p : {0, 1, 2}) t.kill(p);
  t.settle();
  EXPECT_EQ(t.moved_values(), before);
}

TEST_F(repartitioned, what_the_watermark_has_passed_does_not_come_back_after_a_kill) {
  send(0, {0, 60});
  send(1, {60});
  send(2, {60});
  for (const std::size_t p : {0, 1, 2}) t.kill(p);
  send(0, {1});
  EXPECT_EQ(results(), (rows{{0, 1}}));
  EXPECT_EQ(t.late().size(), 1u);
}

TEST_F(repartitioned_late, windows_change_for_late_records_and_take_none_that_are_too_late) {
  send(0, {0, 60});
  send(1, {60});
  send(2, {60, 1});
  EXPECT_EQ(results(), (rows{{0, 1}, {0, 2}}));
  for (const std::size_t p : {0, 1, 2}) send(p, {130});
  send(1, {2});
  EXPECT_EQ(t.late().size(), 1u);
}

TEST_F(repartitioned, windows_fire_when_the_input_of_all_partitions_has_ended) {
  send(0, {0});
  t.finish(0);
  t.finish(1);
  t.settle();
  EXPECT_EQ(results(), rows{});
  t.finish(2);
  t.settle();
  EXPECT_EQ(results(), (rows{{0, 1}}));
}

TEST_F(repartitioned, what_follows_the_end_of_the_input_waits_for_its_end_again) {
  send(0, {0});
  t.end();
  send(1, {1});
  t.finish(0);
  t.finish(2);
  t.settle();
  EXPECT_EQ(results(), (rows{{0, 1}}));
  t.finish(1);
  t.settle();
  EXPECT_EQ(results(), (rows{{0, 1}, {0, 2}}));
}

TEST_F(repartitioned, the_end_of_the_input_is_known_after_a_kill) {
  send(0, {0});
  t.finish(0);
  t.finish(1);
  t.settle();
  for (const std::size_t p : {0, 1, 2}) t.kill(p);
  t.finish(2);
  t.settle();
  EXPECT_EQ(results(), (rows{{0, 1}}));
}

// -- any move_schedule
// ---------------------------------------------------------------------------------

struct arrival {
  std::size_t partition;
  line record;
};

/// Lines of a few apps: in each partition in order but for ten seconds, some partitions far ahead
/// of others.
rc::Gen<std::vector<arrival>> arrivals() {
  using drawn = std::tuple<std::size_t, char, std::int64_t, std::int64_t>;
  const auto one = rc::gen::tuple(
      rc::gen::inRange<std::size_t>(0, 3), rc::gen::inRange('a', 'e'),
      rc::gen::weightedOneOf<std::int64_t>(
          {{8, rc::gen::inRange<std::int64_t>(0, 20)}, {1, rc::gen::just<std::int64_t>(500)}}),
      rc::gen::inRange<std::int64_t>(0, 11));
  return rc::gen::map(rc::gen::container<std::vector<drawn>>(one), [](const auto& all) {
    std::array<std::int64_t, 3> time{};
    std::vector<arrival> made;
    for (const auto& [p, app, step, back] : all) {
      time[p] += step;
      made.push_back({p, {std::string(1, app), at(time[p] - back), "x"}});
    }
    return made;
  });
}

/// One step of a task: `r` reads, `m` reads what has moved to it, `c` commits, `k` is killed.
using move_schedule = std::vector<std::pair<char, std::size_t>>;

rc::Gen<move_schedule> move_schedules(const std::string& letters) {
  return rc::gen::container<move_schedule>(
      rc::gen::pair(rc::gen::elementOf(letters), rc::gen::inRange<std::size_t>(0, 3)));
}

void follow(tasks& t, const move_schedule& steps) {
  for (const auto& [letter, p] : steps) {
    if (letter == 'r') t.read(p, 3);
    if (letter == 'm') t.read_moved(p, 3);
    if (letter == 'c') t.commit(p);
    if (letter == 'k') t.kill(p);
    if (letter == 'f') t.finish(p);
  }
}

totals_by_window expected(const std::vector<arrival>& all) {
  totals_by_window counts;
  for (const auto& a : all)
    ++counts[{a.record.app, timestamp{std::chrono::floor<std::chrono::minutes>(a.record.time)}}];
  return counts;
}

RC_GTEST_PROP(under_any_schedule, repartitioned_windows_count_every_record_once, ()) {
  const auto sent = *arrivals();
  const per_minute s{{0ms}, {15s}};
  tasks t{s, 3};
  for (const auto& a : sent) t.send(a.partition, a.record);
  follow(t, *move_schedules("rrrmmmcck"));
  t.end();

  totals_by_window counts;
  for (const auto& c : t.rows())
    RC_ASSERT(counts.emplace(std::pair{c.app, c.start}, c.lines).second);
  RC_ASSERT(counts == expected(sent));
  RC_ASSERT(t.late().empty());
}

RC_GTEST_PROP(under_any_schedule,
              repartitioned_windows_have_all_records_wherever_the_input_ends_for_now, ()) {
  const auto sent = *arrivals();
  const per_minute s{unlimited_lateness, {15s}};
  tasks t{s, 3};
  for (const auto& a : sent) t.send(a.partition, a.record);
  follow(t, *move_schedules("rrrmmmcckf"));
  t.end();

  totals_by_window last;
  for (const auto& c : t.rows()) last[{c.app, c.start}] = c.lines;
  RC_ASSERT(last == expected(sent));
}

// -- marks ----------------------------------------------------------------------------------------

TEST(merged_watermark, takes_nothing_that_is_no_mark_of_its_partitions) {
  flow::merged_watermark w{2, 1min};
  const std::string_view longer{"\x02\x00\x00\x00", 4}, of_another_kind{"\x08\x00", 2},
      of_partition_2{"\x04\x04", 2};
  for (const auto value : {std::string_view{}, longer, of_another_kind, of_partition_2})
    EXPECT_THROW(w.take(value, at(0)), std::runtime_error);
  EXPECT_EQ(w.value(), timestamp::min());
}

TEST(merged_watermark, does_not_go_on_from_what_other_partitions_have_stored) {
  byte_writer stored;
  flow::merged_watermark{2, 1min}.encode(stored);
  byte_reader in{stored.view()};
  EXPECT_THROW((flow::merged_watermark{3, 1min}.decode(in)), stores::storage_failure);
}

enum class rating { low, high };
struct home {
  std::string town;
  std::int64_t house = 0;
};
struct nowhere {};

TEST(moved_records, go_by_the_text_of_their_key_or_by_its_stored_form) {
  byte_writer space;
  const auto key_of = [&](const auto& key) {
    space.clear();
    const auto moved = detail::moved_key_of(key, space);
    EXPECT_NE(moved.data(), nullptr);
    return std::string{moved};
  };
  EXPECT_EQ(key_of(std::string{"app"}), "app");
  EXPECT_EQ(key_of(std::string_view{}), "");
  EXPECT_EQ(key_of(std::int64_t{-12}), "-12");
  EXPECT_EQ(key_of(at(1)), "1000");
  EXPECT_EQ(key_of(true), "true");
  EXPECT_EQ(key_of(rating::high), "high");
  EXPECT_EQ(key_of(static_cast<rating>(7)), "7");
  EXPECT_EQ(key_of(home{"Ulm", 3}), "Ulm|3");
  EXPECT_EQ(key_of(std::pair{std::string_view{"a|b\\"}, std::optional<std::string>{}}),
            "a\\|b\\\\|\\-");
  EXPECT_EQ(key_of(std::optional<std::string>{}), "\\-");
  EXPECT_EQ(key_of(std::optional<std::string>{"\\-"}), "\\\\-");
  EXPECT_EQ(key_of(nowhere{}), "");  // no key of a stream: state cannot be kept by it
}

/// Nobody can write one down.
class unwritten {
public:
  explicit unwritten(std::string town) : town_(std::move(town)) {}
  const std::string& town() const { return town_; }

private:
  std::string town_;
};
struct counting_unwritten {
  inlet<line> in{"in"};
  state<std::int64_t> seen{"seen"};
  auto logic() const {
    return from(in)
        .map([](const line::view& l) { return unwritten{std::string{l.app}}; })
        .key_by([](const unwritten& u) { return u.town(); })
        .fold(seen, [](std::int64_t& n, const unwritten&) { ++n; })
        .for_each([](const auto&) {});
  }
};

TEST(moved_records, without_a_schema_are_named_for_whoever_checks_that_they_need_not_move) {
  const counting_unwritten s;
  const void* const inlets[] = {&s.in};
  const void* const states[] = {&s.seen};
  flow::changes changes;
  const memory_stores stores;
  const virtual_clock time;
  flow::wiring w{inlets, {}, states, {.out = &changes, .stores = &stores, .time = &time}};
  s.logic().bind(detail::end{&changes.counted}, w);
  const auto needs = w.needs();
  ASSERT_EQ(needs.states.size(), 1u);
  ASSERT_TRUE(needs.states[0].record);
  EXPECT_TRUE(needs.states[0].record->type.ends_with("unwritten")) << needs.states[0].record->type;
  EXPECT_EQ(needs.states[0].record->schema, "");
}

TEST(moved_records, have_a_schema_around_their_own) {
  const auto all = schema::parse_avro(flow::moved_schema_of(codec<line>::schema_text));
  ASSERT_TRUE(all) << all.error().message;
  EXPECT_TRUE(schema::parse_avro(flow::moved_schema_of(R"("string")")));
}

}  // namespace
}  // namespace cloudflow::testing
