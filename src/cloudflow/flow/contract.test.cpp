// What passes between operators, and between a pipeline and the runtime: nothing is lost or done
// twice, whatever stands above or below an operator that holds work, and what throws has an origin.
#include "cloudflow/flow/streamlets.test.hpp"

#include <gtest/gtest.h>

#include <new>

namespace cloudflow::testing {
namespace {

using namespace std::chrono_literals;
using texts = std::vector<std::string>;

texts texts_of(const std::vector<line>& lines) {
  texts all;
  for (const auto& l : lines) all.push_back(l.text);
  return all;
}

/// Three lines of each, with its number behind the app.
std::vector<line> three_of(const line::view& l) {
  std::vector<line> all;
  for (int n = 0; n != 3; ++n)
    all.push_back({std::string{l.app} + std::to_string(n), l.time, std::string{l.text}});
  return all;
}

/// Effects of every kind above an expansion.
struct above_expansion {
  inlet<line> in{"in"};
  outlet<line> copies{"copies"}, out{"out"};
  state<std::int64_t> seen{"seen"}, progress{"progress"};
  auto logic() const {
    return from(in)
        .also_to(copies)
        .key_by(&line::app)
        .fold(seen, [](std::int64_t& n, const line::view&) { ++n; })
        .map([](const keyed<std::string, std::int64_t>& k) {
          return line{k.key, at(0), k.key + std::to_string(k.value) + "xyz"};
        })
        .flat_map([](const line& l) { return three_of(codec<line>::borrow(l)); })
        .expand(progress, letters{})
        .on_error<failing>(dead_letter)
        .to(out);
  }
  std::vector<const void*> outlets{&copies, &out}, states{&seen, &progress};
};

TEST(fault_a1, an_expansion_behind_a_range_gets_all_of_it) {
  const above_expansion s;
  harness<above_expansion> h{s, s.outlets, s.states};
  h.run({{"a", at(0), "-"}}, 1);
  h.commit();
  EXPECT_EQ(h.output<line>(1).size(), 15u);  // a1xyz, three times
}

TEST(fault_a10, each_effect_above_an_expansion_shows_once_whenever_a_kill_comes) {
  const std::vector<line> input{{"a", at(0), "-"}, {"b", at(0), "-"}, {"a", at(0), "-"}};
  const above_expansion s;
  harness<above_expansion> undisturbed{s, s.outlets, s.states};
  undisturbed.run(input, 10);
  undisturbed.commit();
  const auto expected = texts_of(undisturbed.output<line>(1));
  ASSERT_EQ(expected.size(), 30u);  // the progress of the second a says that it is done
  for (std::size_t committed = 1; committed != 40; ++committed)
    for (const std::size_t lost : {0U, 1U, 3U}) {
      harness<above_expansion> h{s, s.outlets, s.states};
      h.run(input, 2, committed);
      h.commit();
      h.run(input, 2, lost);
      h.kill();
      h.run(input, 2);
      h.commit();
      EXPECT_EQ(texts_of(h.output<line>(1)), expected) << committed << ", " << lost;
      EXPECT_EQ(h.output<line>(0).size(), 3u) << committed << ", " << lost;
      EXPECT_TRUE(h.changes.empty());
    }
}

TEST(expand, leaves_nothing_in_its_store_of_records_that_it_has_finished) {
  const above_expansion s;
  harness<above_expansion> h{s, s.outlets, s.states};
  for (int n = 0; n != 20; ++n) {
    h.run({{"a", at(0), "-"}, {"b", at(0), "-"}}, 1, 1);
    h.commit();
  }
  h.drain();
  h.commit();
  for (const auto& [key, value] : h.stores.values)
    EXPECT_LT(key.first, 2u) << "an entry of the parked records";
}

/// An expansion behind another.
struct twice {
  inlet<line> in{"in"};
  outlet<line> out{"out"};
  state<std::int64_t> first{"first"}, second{"second"};
  auto logic() const {
    return from(in)
        .expand(first, letters{})
        .on_error<failing>(dead_letter)
        .map([](const line& l) {
          return line{l.app + l.text, l.time, l.text + l.text};
        })
        .expand(second, letters{})
        .on_error<failing>(dead_letter)
        .to(out);
  }
};

TEST(expand, works_behind_another) {
  const twice s;
  for (std::size_t calls = 1; calls != 12; ++calls) {
    harness<twice> h{s, {&s.out}, {&s.first, &s.second}};
    h.run({{"a", at(0), "abc"}, {"b", at(0), "x"}}, 10, calls);
    h.commit();
    h.run({{"a", at(0), "abc"}, {"b", at(0), "x"}}, 10, 2);
    h.kill();
    h.run({{"a", at(0), "abc"}, {"b", at(0), "x"}}, 10);
    h.commit();
    EXPECT_EQ(texts_of(h.output<line>(0)), (texts{"a", "a", "b", "b", "c", "c", "x", "x"}))
        << calls;
  }
}

/// Words of the lines by app and minute, behind an expansion of windows.
struct windows_of_expanded_windows {
  inlet<line> in{"in"};
  outlet<count> out{"out"};
  state<std::int64_t> first{"first"}, progress{"progress"}, second{"second"};
  auto logic() const {
    return from(in)
        .event_time(&line::time, in_order)
        .key_by(&line::app)
        .window(tumbling{1min})
        .fold(first, [](std::int64_t& n, const line::view&) { ++n; })
        .map([](const windowed<std::string, std::int64_t>& w) {
          return line{w.key, w.window.start,
                      w.key + std::string(static_cast<std::size_t>(w.value), 'x')};
        })
        .expand(progress, letters{.by_time = true})
        .on_error<failing>(dead_letter)
        .key_by(&line::text)
        .window(tumbling{1min})
        .fold(second, [](std::int64_t& n, const line&) { ++n; })
        .map([](const windowed<std::string, std::int64_t>& w) {
          return count{w.key, w.window.start, w.value};
        })
        .to(out);
  }
};

TEST(expand, keeps_event_time_and_lets_no_watermark_overtake_what_it_holds) {
  std::vector<line> input;
  for (const std::int64_t second : {0, 1, 61, 62, 63, 121, 700})
    for (const char* app : {"a", "b"}) input.push_back({app, at(second), "-"});
  for (std::size_t committed = 1; committed != 30; ++committed) {
    const windows_of_expanded_windows s;
    harness<windows_of_expanded_windows> h{s, {&s.out}, {&s.first, &s.progress, &s.second}};
    h.run(input, 3, committed);
    h.commit();
    h.run(input, 3, 1);
    h.kill();
    h.run(input, 3);
    h.finish();
    h.drain();
    h.commit();
    std::map<std::pair<timestamp, std::string>, std::int64_t> rows;
    for (const auto& c : h.output<count>(0)) rows[{c.start, c.app}] = c.lines;
    EXPECT_EQ((rows[{at(0), "x"}]), 4) << committed;
    EXPECT_EQ((rows[{at(60), "x"}]), 6) << committed;
    EXPECT_EQ((rows[{at(120), "x"}]), 2) << committed;
    EXPECT_EQ((rows[{at(60), "a"}]), 1) << committed;
    EXPECT_EQ((rows[{at(660), "b"}]), 1) << committed;
    EXPECT_EQ(h.changes.count.records_late, 0u) << committed;
  }
}

/// The key of an expansion throws.
struct keyless {
  using state = std::int64_t;
  using output = line;
  std::string key(const line::view& l) const {
    if (l.text == "bad") throw std::runtime_error("no key");
    return std::string{l.app};
  }
  result<expansion_progress, failing> advance(std::int64_t&, const line& l,
                                              expansion_output<line>& out) const {
    out.emit(l);
    return expansion_progress::done;
  }
};
struct expanding_keyless {
  inlet<line> in{"in"};
  outlet<line> out{"out"};
  state<std::int64_t> progress{"progress"};
  auto logic() const {
    return from(in).expand(progress, keyless{}).on_error<failing>(dead_letter).to(out);
  }
};

// -- blame ----------------------------------------------------------------------------------------

/// Sums of the lengths of the lines by app and minute; a sum of 13 throws.
struct throwing_behind_a_window {
  inlet<line> in{"in"};
  outlet<count> out{"out"};
  state<std::int64_t> sums{"sums"};
  auto logic() const {
    return from(in)
        .event_time(&line::time, in_order)
        .key_by(&line::app)
        .window(tumbling{1min})
        .lateness({1min})
        .fold(sums, [](std::int64_t& n,
                       const line::view& l) { n += static_cast<std::int64_t>(l.text.size()); })
        .map([](const windowed<std::string, std::int64_t>& w) {
          if (w.value == 13) throw std::runtime_error("unlucky");
          return count{w.key, w.window.start, w.value};
        })
        .to(out);
  }
};

/// Processes all of the input; what fails is left out in the replay, as a task does it.
template <class S>
std::vector<flow::failure> run_through(harness<S>& h, const std::vector<line>& input,
                                       std::size_t size) {
  std::vector<flow::failure> failures;
  while (h.next < input.size() || h.is_suspended()) {
    try {
      h.run(input, size);
    } catch (const flow::failure& f) {
      failures.push_back(f);
      if (failures.size() > 10) throw;
      h.quarantine.add(f);
      h.kill();
    }
  }
  h.commit();
  return failures;
}

TEST(fault_a3, a_window_that_throws_is_to_blame_and_no_record) {
  const std::vector<line> input{{"a", at(0), std::string(13, 'x')},
                                {"b", at(1), "four"},
                                {"b", at(61), "five!"},
                                {"b", at(200), "s"},
                                {"b", at(300), "s"}};
  for (const std::size_t size : {1U, 2U, 10U}) {
    const throwing_behind_a_window s;
    harness<throwing_behind_a_window> h{s, {&s.out}, {&s.sums}};
    const auto failures = run_through(h, input, size);
    ASSERT_EQ(failures.size(), 1u);
    EXPECT_EQ(failures[0].from.what, flow::origin_kind::window);
    ASSERT_EQ(h.rejected, texts{"unlucky"});
    EXPECT_EQ(h.rejected_from[0].key, "a");
    EXPECT_EQ(h.rejected_from[0].time, at(0));
    EXPECT_EQ(h.rejected_from[0].end, at(60));
    EXPECT_EQ(detail::decoded<std::int64_t>(*h.rejected_from[0].value), 13);
    std::vector<std::int64_t> sums;
    for (const auto& c : h.output<count>(0)) sums.push_back(c.lines);
    EXPECT_EQ(sums, (std::vector<std::int64_t>{4, 5, 1}));
  }
}

TEST(fault_a3, a_late_record_that_makes_a_window_good_or_bad_is_not_to_blame) {
  const std::vector<line> input{{"a", at(0), std::string(12, 'x')},
                                {"b", at(70), "b"},
                                {"a", at(1), "1"},   // makes 13
                                {"a", at(2), "2"}};  // and 14
  const throwing_behind_a_window s;
  harness<throwing_behind_a_window> h{s, {&s.out}, {&s.sums}};
  EXPECT_EQ(run_through(h, input, 2).size(), 1u);
  ASSERT_EQ(h.rejected, texts{"unlucky"});
  std::vector<std::int64_t> sums;
  for (const auto& c : h.output<count>(0)) sums.push_back(c.lines);
  EXPECT_EQ(sums, (std::vector<std::int64_t>{12, 14}));
}

TEST(fault_a4, the_key_of_an_expansion_that_throws_belongs_to_its_record) {
  const expanding_keyless s;
  harness<expanding_keyless> h{s, {&s.out}, {&s.progress}};
  EXPECT_EQ(
      run_through(h, {{"a", at(0), "good"}, {"a", at(0), "bad"}, {"a", at(0), "good"}}, 2).size(),
      1u);
  EXPECT_EQ(h.rejected, texts{"no key"});
  EXPECT_EQ(h.rejected_from[0].offset, record_offset{1});
  EXPECT_EQ(h.output<line>(0).size(), 2u);
}

/// Fails in a way that may pass, then throws.
struct failing_then_throwing {
  using state = std::int64_t;
  using output = line;
  std::shared_ptr<int> calls = std::make_shared<int>(0);
  std::string key(const line::view& l) const { return std::string{l.app}; }
  result<expansion_progress, failing> advance(std::int64_t&, const line& l,
                                              expansion_output<line>& out) const {
    if (l.text == "good") {
      out.emit(l);
      return expansion_progress::done;
    }
    if (++*calls == 1) return failing{"later", true};
    throw std::runtime_error("worse");
  }
};
struct retried {
  failing_then_throwing how;
  inlet<line> in{"in"};
  outlet<line> out{"out"};
  state<std::int64_t> progress{"progress"};
  auto logic() const {
    return from(in).expand(progress, how).on_error<failing>(dead_letter).to(out);
  }
};

TEST(fault_a4, what_throws_at_a_retry_is_as_bad_as_at_the_first_attempt) {
  const retried s;
  harness<retried> h{s, {&s.out}, {&s.progress}};
  h.run({{"a", at(0), "bad"}, {"b", at(0), "good"}}, 10);
  h.commit();
  h.time.advance(1s);
  try {
    h.tick();
    FAIL() << "nothing was thrown";
  } catch (const flow::failure& f) {
    EXPECT_EQ(f.from.what, flow::origin_kind::inlet);
    EXPECT_EQ(f.from.topic, "lines");
    EXPECT_EQ(f.from.offset, record_offset{0});
    EXPECT_FALSE(f.call.empty());
    h.quarantine.add(f);
  }
  h.kill();
  EXPECT_FALSE(h.tick());
  h.commit();
  EXPECT_EQ(h.rejected, texts{"worse"});
  EXPECT_EQ(h.rejected_from[0].offset, record_offset{0});
  h.kill();
  EXPECT_FALSE(h.tick()) << "still parked";
  EXPECT_EQ(texts_of(h.output<line>(0)), texts{"good"});
}

struct throwing_anything {
  inlet<line> in{"in"};
  outlet<line> out{"out"};
  auto logic() const {
    return from(in)
        .filter([](const line::view& l) -> bool {
          if (l.text == "int") throw 42;
          if (l.text == "text") throw std::string{"a text"};
          if (l.text == "memory") throw std::bad_alloc{};
          if (l.text == "later") throw try_again("later");
          return true;
        })
        .to(out);
  }
};

TEST(fault_a6, whatever_is_thrown_belongs_to_the_record) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"int", "an exception of type int"}, {"text", "a text"}, {"memory", "out of memory"}};
  for (const auto& [text, reason] : cases) {
    const throwing_anything s;
    harness<throwing_anything> h{s, {&s.out}, {}};
    try {
      h.run({{"a", at(0), "good"}, {"a", at(0), text}}, 10);
      ADD_FAILURE() << "nothing was thrown";
    } catch (const flow::failure& f) {
      EXPECT_EQ(f.from.offset, record_offset{1});
      EXPECT_EQ(f.reason, reason);
      EXPECT_EQ(f.cause == flow::failure_cause::out_of_memory, text == "memory");
    }
  }
}

TEST(blame, is_nobodys_for_try_again) {
  const throwing_anything s;
  harness<throwing_anything> h{s, {&s.out}, {}};
  EXPECT_THROW(h.run({{"a", at(0), "later"}}, 1), try_again);
}

TEST(origin, tells_one_from_another) {
  const flow::kept_origin record{.topic = "t", .offset = record_offset{1}};
  for (auto other :
       {flow::kept_origin{.topic = "u", .offset = record_offset{1}},
        flow::kept_origin{.topic = "t", .partition = 1, .offset = record_offset{1}},
        flow::kept_origin{.index = 1, .topic = "t", .offset = record_offset{1}},
        flow::kept_origin{.topic = "t", .offset = record_offset{2}},
        flow::kept_origin{
            .what = flow::origin_kind::source, .topic = "t", .offset = record_offset{1}}})
    EXPECT_NE(other.identity(), record.identity());
}

}  // namespace
}  // namespace cloudflow::testing
