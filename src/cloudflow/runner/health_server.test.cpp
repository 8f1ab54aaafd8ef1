#include "cloudflow/runner/health_server.hpp"

#include "cloudflow/net/client.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cloudflow::runner {
namespace {

using testing::HasSubstr;

/// An engine that is in the state which a test wants.
struct engine final : streamlet_runner {
  result<void> start() override { return {}; }
  runner_status status() const override {
    app::task_status parser;
    parser.streamlet = "parser";
    parser.records_in = 7;
    return {.tasks = {parser}, .workers = {{.name = "w0"}}};
  }
  std::string why_not_ready() const override { return not_ready; }
  std::string why_not_live() const override { return not_live; }
  bool must_end() const override { return false; }
  bool advance_to_end() override { return true; }
  void stop() override {}

  std::string not_ready, not_live;
};

class health : public testing::Test {
protected:
  std::string get(const std::string& path) const {
    net::client client;
    const auto answer =
        client.send({.url = fmt::format("http://127.0.0.1:{}{}", server_->port(), path),
                     .proxy = net::no_proxy{}});
    return answer ? fmt::format("{} {}", answer->status, answer->body) : answer.error().message;
  }
  const streamlet_runner* running = nullptr;
  engine of;

private:
  std::unique_ptr<connect::http_server> server_ =
      serve_health(
          {}, "app", [this] { return running; }, logger{make_null_sink(), "test"})
          .value();
};

TEST_F(health, of_what_has_not_started_is_that_it_lives_and_is_not_ready) {
  EXPECT_THAT(get("/live"), HasSubstr("200"));
  EXPECT_THAT(get("/ready"), HasSubstr("503 not started yet"));
  EXPECT_THAT(get("/metrics"), HasSubstr("503 not started yet"));
}

TEST_F(health, of_what_runs_is_200_and_its_metrics_bear_the_application) {
  running = &of;
  EXPECT_THAT(get("/live"), HasSubstr("200 live"));
  EXPECT_THAT(get("/ready"), HasSubstr("200 ready"));
  EXPECT_THAT(get("/metrics"),
              testing::AllOf(HasSubstr("200"), HasSubstr("app"), HasSubstr("parser")));
}

TEST_F(health, is_503_with_the_reason_that_the_runner_gives) {
  running = &of;
  of.not_ready = "group g: not joined yet";
  EXPECT_THAT(get("/ready"), HasSubstr("503 group g: not joined yet"));
  EXPECT_THAT(get("/live"), HasSubstr("200"));
  of.not_live = "stalled for 30 s: worker w0";
  EXPECT_THAT(get("/live"), HasSubstr("503 stalled for 30 s: worker w0"));
}

TEST(health_server, takes_another_port_when_its_own_is_taken) {
  const auto serve = [](std::uint16_t port, bool is_wanted = false) {
    return serve_health(
        {.port = port, .is_wanted = is_wanted}, "app", [] { return nullptr; },
        logger{make_null_sink(), "test"});
  };
  const auto first = serve(0);
  ASSERT_TRUE(first);
  const auto second = serve((*first)->port());
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_NE((*first)->port(), (*second)->port());
  const auto third = serve((*first)->port(), true);
  ASSERT_FALSE(third) << "somebody asks there, and would get the answers of another";
  EXPECT_THAT(third.error().message, HasSubstr(std::to_string((*first)->port())));
}

}  // namespace
}  // namespace cloudflow::runner
