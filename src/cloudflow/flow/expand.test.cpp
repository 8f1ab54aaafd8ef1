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

TEST(expand, sets_a_failing_record_aside_processes_the_next_and_tries_again_later) {
  const spelling s;
  *s.how.broken = 2;
  harness<spelling> h{s, {&s.out}, {&s.progress}};
  h.run({{"a", at(0), "ab?c"}, {"b", at(0), "xyz"}}, 10);
  h.commit();
  EXPECT_EQ(spelt(h), "abxyz");
  EXPECT_TRUE(h.program->tick(h.time.now()));
  h.time.advance(100ms);
  h.program->tick(h.time.now());  // fails again: now it waits for 200 ms
  h.commit();
  h.kill();  // what was set aside is durable
  h.time.advance(150ms);
  EXPECT_TRUE(h.program->tick(h.time.now()));
  h.commit();
  EXPECT_EQ(spelt(h), "abxyz");
  h.time.advance(50ms);
  while (h.program->tick(h.time.now())) {
  }
  h.commit();
  EXPECT_EQ(spelt(h), "abxyz?c");
  EXPECT_TRUE(h.rejected.empty());
}

TEST(expand, keeps_the_record_that_it_sets_aside_with_key_and_headers) {
  const std::vector<header_view> headers{{"trace", "42"}, {"empty", ""}};
  detail::kept_record origin;
  for (const std::string_view key :
       {std::string_view{}, std::string_view{""}, std::string_view{"k"}}) {
    auto parked =
        detail::parked_record::of({key, "raw", headers, at(3), record_offset{7}}, "value");
    parked.inlet = 2;
    parked.attempts = 3;
    const auto again = detail::parked_record::decode(5, parked.encode());
    EXPECT_EQ(again.inlet, 2u);
    EXPECT_EQ(again.attempts, 3);
    again.restore(origin);
    const auto moved = std::move(origin);
    const auto& r = moved.view();
    EXPECT_EQ(r.key, key);
    EXPECT_EQ(r.key.data() == nullptr, key.data() == nullptr);
    EXPECT_EQ(r.value, "value");
    EXPECT_EQ(r.time, at(3));
    EXPECT_EQ(r.offset, record_offset{7});
    ASSERT_EQ(r.headers.size(), 2u);
    EXPECT_EQ(r.headers[0].name, "trace");
    EXPECT_EQ(r.headers[0].value, "42");
    EXPECT_NE(r.headers[1].value.data(), nullptr);
    origin = {};
  }
}

TEST(expand, gives_up_after_the_last_attempt_and_raises_the_error) {
  const spelling s;
  *s.how.broken = 100;
  harness<spelling> h{s, {&s.out}, {&s.progress}};
  h.run({{"a", at(0), "?"}}, 10);
  for (int n = 0; n != 10; ++n) {
    h.time.advance(1s);
    h.program->tick(h.time.now());
  }
  h.commit();
  EXPECT_EQ(h.rejected, (std::vector<std::string>{"broken"}));
  EXPECT_FALSE(h.program->tick(h.time.now()));
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
