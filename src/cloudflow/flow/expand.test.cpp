#include "cloudflow/flow/streamlets.test.hpp"

#include <gtest/gtest.h>

namespace cloudflow::testing {
namespace {

using namespace std::chrono_literals;

std::string spelt(harness<spelling>& h) {
  std::string all;
  for (const auto& l : h.output<line>(0)) all += l.text;
  return all;
}

TEST(expand, gives_out_everything_in_order) {
  const spelling s;
  harness<spelling> h{s, {&s.out}, {&s.progress}};
  h.run({{"a", at(0), "hello"}, {"b", at(0), "x"}}, 10);
  h.commit();
  EXPECT_EQ(spelt(h), "hellox");
}

TEST(expand, goes_on_in_the_middle_of_a_record_after_a_kill) {
  const std::vector<line> input{{"a", at(0), "hello"}, {"b", at(0), "world"}};
  for (std::size_t calls = 1; calls != 8; ++calls) {
    const spelling s;
    harness<spelling> h{s, {&s.out}, {&s.progress}};
    h.run(input, 10, calls);
    h.commit();
    h.run(input, 10, 1);
    h.kill();
    h.run(input, 10);
    h.commit();
    EXPECT_EQ(spelt(h), "helloworld") << calls;
  }
}

TEST(expand, remembers_what_is_done) {
  const spelling s;
  harness<spelling> h{s, {&s.out}, {&s.progress}};
  h.run({{"a", at(0), "hi"}, {"a", at(0), "hi"}}, 10);
  h.commit();
  EXPECT_EQ(spelt(h), "hi");
}

TEST(expand, parks_a_failing_record_processes_the_next_and_tries_again_later) {
  const spelling s;
  *s.how.broken = 2;
  harness<spelling> h{s, {&s.out}, {&s.progress}};
  h.run({{"a", at(0), "ab?c"}, {"b", at(0), "xyz"}}, 10);
  h.commit();
  EXPECT_EQ(spelt(h), "abxyz");
  EXPECT_TRUE(h.tick());
  h.time.advance(100ms);
  h.tick();  // fails again: now it waits for 200 ms
  h.commit();
  h.kill();  // what is parked is durable
  h.time.advance(150ms);
  EXPECT_TRUE(h.tick());
  h.commit();
  EXPECT_EQ(spelt(h), "abxyz");
  h.time.advance(50ms);
  while (h.tick()) {
  }
  h.commit();
  EXPECT_EQ(spelt(h), "abxyz?c");
  EXPECT_TRUE(h.rejected.empty());
}

TEST(expand, keeps_the_order_of_a_key_when_one_of_its_records_is_parked) {
  const spelling s;
  *s.how.broken = 2;
  harness<spelling> h{s, {&s.out}, {&s.progress}};
  h.run({{"a", at(0), "ab?c"}, {"a", at(0), "ab?CDE"}, {"b", at(0), "xyz"}}, 10);
  h.commit();
  EXPECT_EQ(spelt(h), "abxyz");
  h.kill();
  h.run({}, 10);
  for (int n = 0; n != 20; ++n) {
    h.time.advance(100ms);
    while (h.tick() && n == 19) {
    }
    h.commit();
  }
  EXPECT_EQ(spelt(h), "abxyz?cDE");
}

TEST(expand, keeps_the_origin_of_a_record_that_it_holds) {
  for (const auto& key : {std::optional<std::string>{}, std::optional<std::string>{""},
                          std::optional<std::string>{"k"}}) {
    for (const char* value : {"value", "mapped"}) {
      const detail::expansion_item held{.record = "value",
                                        .from = {.what = flow::origin_kind::inlet,
                                                 .index = 2,
                                                 .topic = "lines",
                                                 .partition = 4,
                                                 .offset = record_offset{7},
                                                 .key = key,
                                                 .value = value,
                                                 .headers = {{"trace", "42"}, {"empty", ""}},
                                                 .time = at(3)},
                                        .time = at(4),
                                        .attempts = 3,
                                        .is_parked = true};
      const auto again = detail::expansion_item::decode(5, held.encode());
      EXPECT_EQ(again.record, "value");
      EXPECT_EQ(again.attempts, 3);
      EXPECT_EQ(again.time, at(4));
      EXPECT_TRUE(again.is_parked);
      EXPECT_EQ(again.id, 5u);
      EXPECT_EQ(again.from.index, 2u);
      EXPECT_EQ(again.from.topic, "lines");
      EXPECT_EQ(again.from.partition, 4);
      EXPECT_EQ(again.from.offset, record_offset{7});
      EXPECT_EQ(again.from.key, key);
      EXPECT_EQ(again.from.value, value);
      EXPECT_EQ(again.from.headers, held.from.headers);
      EXPECT_EQ(again.from.time, at(3));
      EXPECT_EQ(again.from.identity(), held.from.identity());
    }
  }
}

TEST(expand, gives_up_after_the_last_attempt_and_raises_the_error) {
  const spelling s;
  *s.how.broken = 100;
  harness<spelling> h{s, {&s.out}, {&s.progress}};
  h.run({{"a", at(0), "?"}}, 10);
  for (int n = 0; n != 10; ++n) {
    h.time.advance(1s);
    h.tick();
  }
  h.commit();
  EXPECT_EQ(h.rejected, (std::vector<std::string>{"broken"}));
  EXPECT_EQ(*s.how.broken, 100 - s.max_attempts);
  EXPECT_FALSE(h.tick());
}

TEST(expand, raises_an_error_that_no_later_attempt_can_mend_at_once) {
  const spelling s;
  harness<spelling> h{s, {&s.out}, {&s.progress}};
  h.run({{"a", at(0), "ab!c"}, {"b", at(0), "x"}}, 10);
  h.commit();
  EXPECT_EQ(spelt(h), "abx");
  EXPECT_EQ(h.rejected, (std::vector<std::string>{"hopeless"}));
}

}  // namespace
}  // namespace cloudflow::testing
