#include "cloudflow/pubsub/kafka/internal/bounded_calls.hpp"

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <stop_token>
#include <thread>
#include <type_traits>

namespace cloudflow::pubsub::kafka {
namespace {

using namespace std::chrono_literals;

static_assert(!std::is_copy_constructible_v<call_thread>);

/// What a call owns, and the test can see the end of.
struct owned {
  std::promise<void> ended;
  ~owned() { ended.set_value(); }
};

class a_call : public testing::Test {
protected:
  /// Does not return before release().
  auto endless() {
    return [held = release_.get_future().share()] {
      held.wait();
      return 1;
    };
  }
  void release() { release_.set_value(); }

  const std::shared_ptr<call_limits> limits_ = std::make_shared<call_limits>();
  call_thread calls_{"test calls", limits_};

private:
  std::promise<void> release_;
};

TEST_F(a_call, gives_its_result) {
  EXPECT_EQ(calls_.run([] { return 7; }, 1min), 7);
  EXPECT_EQ(calls_.run([] { return std::make_unique<int>(8); }, 1min)->operator*(), 8);
  EXPECT_FALSE(calls_.has_abandoned());
  EXPECT_EQ(limits_->abandoned(), 0);
}

TEST_F(a_call, that_does_not_return_is_abandoned_and_counted_until_it_does) {
  auto kept = std::make_shared<owned>();
  auto has_ended = kept->ended.get_future();
  EXPECT_EQ(calls_.run([call = endless(), kept] { return call(); }, 1ms), std::nullopt);
  kept.reset();
  EXPECT_TRUE(calls_.has_abandoned());
  EXPECT_EQ(limits_->abandoned(), 1);
  EXPECT_EQ(has_ended.wait_for(0s), std::future_status::timeout) << "what it touches stays";
  release();
  has_ended.wait();
  while (limits_->abandoned() != 0) std::this_thread::yield();
}

TEST_F(a_call, behind_one_that_was_abandoned_is_not_made) {
  EXPECT_EQ(calls_.run(endless(), 1ms), std::nullopt);
  auto is_made = false;
  const auto call = [&] {
    is_made = true;
    return 1;
  };
  EXPECT_EQ(calls_.run(call, 1min), std::nullopt);
  EXPECT_FALSE(is_made);
  release();
}

TEST_F(a_call, is_waited_for_no_longer_than_a_process_may_take_to_end_once_that_has_begun) {
  limits_->note_waited_at_end(1h);  // somebody else has waited so long already
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(calls_.run(endless(), 1h, stop.get_token()), std::nullopt);
  release();
}

TEST_F(a_call, that_returns_in_time_is_not_abandoned_by_a_stop) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(calls_.run([] { return 7; }, 1h, stop.get_token()), 7);
}

TEST(call_limits, say_when_only_a_new_process_can_go_on) {
  const auto limits = std::make_shared<call_limits>();
  std::promise<void> release;
  const auto endless = [held = release.get_future().share()] {
    held.wait();
    return 0;
  };
  for (int i = 0; i <= call_limits::most_abandoned; ++i) {
    EXPECT_FALSE(limits->are_too_many_abandoned());
    call_thread one{"test calls", limits};
    EXPECT_EQ(one.run(endless, 1ms), std::nullopt);
  }
  EXPECT_TRUE(limits->are_too_many_abandoned());
  release.set_value();
  while (limits->abandoned() != 0) std::this_thread::yield();
  EXPECT_FALSE(limits->are_too_many_abandoned());
}

}  // namespace
}  // namespace cloudflow::pubsub::kafka
