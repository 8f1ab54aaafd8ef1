#include "cloudflow/flow/emissions.hpp"

#include "cloudflow/flow/origin.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace cloudflow::testing {
namespace {

using poll_function = std::function<flow::source_status(emitter<int>&)>;

/// Does at each poll what the test has said, and then nothing more.
struct scripted final : source<int> {
  std::deque<poll_function> polls;
  flow::source_status poll(emitter<int>& emit) override {
    if (polls.empty()) return flow::source_status::ended;
    const auto next = std::move(polls.front());
    polls.pop_front();
    return next(emit);
  }
};

class emissions : public ::testing::Test {
protected:
  acknowledgement noted() {
    return {.when_durable = [this] { told.emplace_back("durable"); },
            .when_refused =
                [this](const refusal& r) { told.push_back("refused: " + std::string{r.reason}); },
            .when_unknown = [this] { told.emplace_back("unknown"); }};
  }
  void process(std::size_t records) {
    for (std::size_t i = 0; i != records; ++i) of.advance();
  }
  void commit() {
    std::vector<std::function<void()>> answers;
    of.acknowledge(answers);
    of.saved();
    of.committed();
    for (const auto& answer : answers) answer();
  }

  std::shared_ptr<scripted> from = std::make_shared<scripted>();
  detail::emissions<int> of{from};
  std::vector<std::string> told;
};

TEST_F(emissions, refuse_a_group_as_a_whole_and_tell_who_waits_for_it) {
  from->polls.push_back([this](emitter<int>& emit) {
    for (const int n : {1, 2, 3}) emit(n);
    emit.acknowledge(noted());
    emit(4);
    return flow::source_status::produced;
  });
  of.poll();
  process(1);
  ASSERT_TRUE(of.is_atomic());
  of.refuse_group({"too much", flow::failure_cause::code});
  EXPECT_EQ(of.record(), 4);
  EXPECT_EQ(told, std::vector<std::string>{"refused: too much"});
  process(1);
  commit();
  EXPECT_EQ(told.size(), 1u);
}

/// Behind expand(), which suspends and has the first part committed.
TEST_F(emissions, say_that_nothing_is_known_of_a_group_that_was_refused_when_a_part_was_durable) {
  from->polls.push_back([this](emitter<int>& emit) {
    for (const int n : {1, 2, 3}) emit(n);
    emit.acknowledge(noted());
    return flow::source_status::produced;
  });
  of.poll();
  process(1);
  commit();
  ASSERT_FALSE(of.is_atomic());
  of.leave_out_record();
  EXPECT_EQ(of.record(), 3);
  process(1);
  EXPECT_TRUE(told.empty());
  commit();
  EXPECT_EQ(told, std::vector<std::string>{"unknown"});
}

/// Behind expand(), which holds the last record when a commit begins.
TEST_F(emissions, say_that_nothing_is_known_of_a_group_whose_first_part_is_of_a_lost_commit) {
  from->polls.push_back([this](emitter<int>& emit) {
    for (const int n : {1, 2}) {
      emit(n);
      emit.acknowledge(noted());
    }
    return flow::source_status::produced;
  });
  of.poll();
  process(1);
  of.saved();  // what is processed is committed, and not answered yet
  of.unknown();
  of.dropped();
  EXPECT_EQ(of.record(), 2);
  process(1);
  commit();
  EXPECT_EQ(told, (std::vector<std::string>{"unknown", "durable"}));
}

TEST_F(emissions, leave_out_one_record_alone_where_nobody_can_be_told) {
  from->polls.push_back([this](emitter<int>& emit) {
    emit(1);
    emit(2, [this] { told.emplace_back("durable"); });
    emit(3);
    return flow::source_status::produced;
  });
  of.poll();
  ASSERT_FALSE(of.is_atomic());
  of.leave_out_record();
  EXPECT_EQ(of.record(), 2);
  process(2);
  commit();
  EXPECT_EQ(told, std::vector<std::string>{"durable"});
}

TEST_F(emissions, are_committed_before_the_source_is_made_anew_that_has_thrown) {
  from->polls.push_back([](emitter<int>& emit) {
    emit(1);
    return flow::source_status::produced;
  });
  from->polls.push_back([](emitter<int>& emit) -> flow::source_status {
    emit(2);
    throw std::runtime_error("the server is gone");
  });
  of.poll();
  process(1);
  EXPECT_EQ(of.poll(), flow::source_status::idle);
  EXPECT_FALSE(of.has_next()) << "what the failing call has emitted does not count";
  EXPECT_EQ(of.poll(), flow::source_status::idle);
  commit();
  EXPECT_THROW(of.poll(), flow::source_failure);
}

TEST_F(emissions, of_a_source_that_throws_at_once_are_none) {
  from->polls.push_back([](emitter<int>&) -> flow::source_status { throw 7; });
  EXPECT_THROW(of.poll(), flow::source_failure);
}

}  // namespace
}  // namespace cloudflow::testing
