#include "cloudflow/connect/http/record_ingress.hpp"

#include "cloudflow/net/client.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <future>
#include <mutex>

namespace cloudflow::connect {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr auto most_patience = 10s;  // for what must happen; a test that waits so long has failed
constexpr std::string_view schema =
    R"({"type":"record","name":"Reading","fields":[{"name":"celsius","type":"long"}]})";

/// An ingress whose pipeline is the test.
class ingress : public testing::Test {
protected:
  using answer = net::result<net::response>;

  void open(record_ingress_options options = {}) {
    auto opened = record_ingress::open(options, schema, logger{make_null_sink(), "test"}, [this] {
      const std::lock_guard lock{mutex_};
      ++woken_;
      changed_.notify_all();
    });
    ASSERT_TRUE(opened) << opened.error().message;
    ingress_ = std::move(opened).value();
  }
  std::future<answer> post(std::string body) {
    return std::async(std::launch::async, [this, body = std::move(body)] {
      return client_.send({.method = "POST",
                           .url = ingress_->url(),
                           .headers = {{"Content-Type", "application/json"}},
                           .body = body,
                           .timeouts = {.total = most_patience},
                           .proxy = net::no_proxy{}});
    });
  }
  /// When `count` requests have come.
  std::vector<record_ingress::request> take_when(int count) {
    wait_until_woken(count);
    return ingress_->take();
  }
  void wait_until_woken(int count) {
    std::unique_lock lock{mutex_};
    EXPECT_TRUE(changed_.wait_for(lock, most_patience, [&] { return woken_ >= count; }));
  }

  std::unique_ptr<record_ingress> ingress_;
  net::client client_;

private:
  std::mutex mutex_;  // guards woken_
  std::condition_variable changed_;
  int woken_ = 0;
};

TEST(record_ingress, does_not_open_for_a_schema_that_is_none) {
  const auto opened =
      record_ingress::open({}, R"({"type":"recrd"})", logger{make_null_sink(), "test"}, [] {});
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message, HasSubstr("the outlet's schema"));
}

TEST_F(ingress, answers_202_when_it_is_told_that_the_records_are_durable_and_not_before) {
  open();
  auto answered = post(R"({"celsius": 1} {"celsius": 2})");
  auto taken = take_when(1);
  ASSERT_EQ(taken.size(), 1u);
  EXPECT_EQ(taken[0].records, (std::vector<std::string>{"\x02", "\x04"}));
  EXPECT_EQ(answered.wait_for(50ms), std::future_status::timeout);
  taken[0].accept();
  const auto got = answered.get();
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->status, 202);
  EXPECT_EQ(got->body, "2 accepted\n");
}

TEST_F(ingress, answers_422_with_the_reason_when_the_application_refuses) {
  open();
  auto answered = post(R"({"celsius": 1})");
  take_when(1).at(0).refuse("too warm");
  const auto got = answered.get();
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->status, 422);
  EXPECT_THAT(got->body, HasSubstr("none of 1 accepted: too warm"));
}

TEST_F(ingress, answers_413_with_the_reason_when_a_record_is_too_large_for_its_topic) {
  open();
  auto answered = post(R"({"celsius": 1})");
  take_when(1).at(0).refuse_as_too_large("a record of 9 bytes");
  const auto got = answered.get();
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->status, 413);
  EXPECT_THAT(got->body, HasSubstr("none of 1 accepted: a record of 9 bytes"));
}

TEST_F(ingress, answers_400_with_the_place_of_what_is_no_record_and_hands_on_nothing) {
  open();
  const auto got = post("{\"celsius\": 1}\n{\"celsius\": \"x\"}").get();
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->status, 400);
  EXPECT_THAT(got->body, HasSubstr("record 2, which begins at line 2, column 1"));
  EXPECT_TRUE(ingress_->take().empty());
}

TEST_F(ingress, answers_503_when_too_many_wait) {
  open({.max_waiting = 1});
  auto first = post(R"({"celsius": 1})");
  wait_until_woken(1);
  const auto second = post(R"({"celsius": 2})").get();
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(second->status, 503);
  take_when(1).at(0).accept();
  EXPECT_EQ(first.get()->status, 202);
}

TEST_F(ingress, withdraws_what_nobody_has_taken_in_time_and_answers_503) {
  open({.answer_timeout = 50ms});
  const auto got = post(R"({"celsius": 1})").get();
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->status, 503);
  EXPECT_TRUE(ingress_->take().empty());
}

TEST_F(ingress, gives_no_answer_when_what_has_been_taken_may_still_be_stored) {
  open({.answer_timeout = 200ms});
  auto answered = post(R"({"celsius": 1})");
  const auto taken = take_when(1);
  ASSERT_EQ(taken.size(), 1u);
  const auto got = answered.get();
  ASSERT_FALSE(got) << got->status;
  EXPECT_EQ(got.error().code, net::errc::connection_broken);
}

TEST_F(ingress, gives_no_answer_when_the_log_does_not_know_what_has_become_of_it) {
  open();
  auto answered = post(R"({"celsius": 1})");
  take_when(1).at(0).hang_up();
  const auto got = answered.get();
  ASSERT_FALSE(got) << got->status;
  EXPECT_EQ(got.error().code, net::errc::connection_broken);
}

TEST_F(ingress, answers_503_for_what_is_dropped_and_not_stored) {
  open();
  auto answered = post(R"({"celsius": 1})");
  take_when(1).clear();
  const auto got = answered.get();
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->status, 503);
}

}  // namespace
}  // namespace cloudflow::connect
