#include "cloudflow/runner/host.hpp"

#include "cloudflow/net/client.hpp"
#include "cloudflow/operate/fixture.test.hpp"
#include "cloudflow/pubsub/embedded/test_directory.hpp"

#include <fmt/format.h>

#include <fstream>
#include <functional>
#include <thread>

namespace cloudflow::runner {
namespace {

using testing::HasSubstr;

/// The small application in a process of its own, as far as a test can be one.
class process : public operate::small_application {
protected:
  host_options options() const {
    const auto& root = directory_.path();
    return {.log = root / "log",
            .kafka = root / "kafka",
            .crash_note = root / "crash-note",
            .crash_history = root / "crash-history",
            .workers = 1};
  }
  result<std::unique_ptr<host>> open() {
    return host::open(plan, secrets_, options(),
                      {.time = &time_,
                       .definition_of = around().definition_of,
                       .endpoint_of = {},
                       .on_listening = {},
                       .must_stop = must_stop,
                       .on_health = [this](std::uint16_t port) { health_port_ = port; }});
  }
  /// `200 live`
  std::string get(const std::string& path) const {
    net::client client;
    const auto answer =
        client.send({.url = fmt::format("http://127.0.0.1:{}{}", health_port_, path),
                     .proxy = net::no_proxy{}});
    if (!answer) return answer.error().message;
    return fmt::format("{} {}", answer->status, answer->body);
  }
  static void run_to_end(host& h) {
    while (!h.advance_to_end()) std::this_thread::yield();
  }
  std::unique_ptr<pubsub::embedded::log> open_elsewhere() const {
    pubsub::embedded::options how;
    how.directory = options().log;
    return pubsub::embedded::open(how, time_).value();
  }

  std::function<bool()> must_stop = [] { return false; };

private:
  std::uint16_t health_port_ = 0;
  pubsub::embedded::test_directory directory_;
  system_clock time_;
  blueprint::secret_texts secrets_;
};

TEST_F(process, lives_from_the_first_moment_on_and_is_ready_when_it_runs) {
  const auto h = open();
  ASSERT_TRUE(h) << h.error().message;
  EXPECT_THAT(get("/live"), HasSubstr("200 live"));
  EXPECT_THAT(get("/ready"), HasSubstr("503 not started yet"));
  EXPECT_THAT(get("/metrics"), HasSubstr("503 not started yet"));
  ASSERT_TRUE((*h)->start());
  run_to_end(**h);
  EXPECT_THAT(get("/ready"), HasSubstr("200 ready"));
  EXPECT_THAT(get("/metrics"), HasSubstr("streamlet=\"shouter\""));
  (*h)->stop(true);
}

TEST_F(process, goes_on_where_the_one_before_it_has_stopped) {
  for (const auto expected : {1, 2}) {
    const auto h = open();
    ASSERT_TRUE(h) << h.error().message;
    ASSERT_TRUE((*h)->start());
    log = nullptr;  // the fixture's own
    byte_writer w;
    codec<operate::line>::encode(operate::line{"a", operate::at(0), "x"}, w);
    record_buffer records;
    records.append("a", w.view());
    pubsub::transaction changes;
    changes.outputs.push_back({"lines", partition_id{0}, &records});
    ASSERT_TRUE((*(*h)->log().open_producer({.transactional_id = "test"}))->commit(changes));
    run_to_end(**h);
    (*h)->stop(true);
    std::int64_t shouted = 0;
    const auto topic = (*h)->log().topic("shouted");
    for (const auto& p : topic->partitions) shouted += p.end.value();
    EXPECT_EQ(shouted, expected);
  }
}

TEST_F(process, waits_for_a_log_that_another_one_has_open) {
  auto other = open_elsewhere();
  int asked = 0;
  must_stop = [&] {
    if (++asked != 2) return false;
    EXPECT_THAT(get("/live"), HasSubstr("200 live")) << "while it waits";
    EXPECT_THAT(get("/ready"), HasSubstr("503"));
    other.reset();
    return false;
  };
  const auto h = open();
  ASSERT_TRUE(h) << h.error().message;
  EXPECT_GE(asked, 2);
}

TEST_F(process, that_cannot_start_says_why_when_it_is_asked_whether_it_is_ready) {
  ASSERT_TRUE(open_elsewhere()->ensure_topic({.name = "shouted", .partitions = 7}));
  const auto h = open();
  ASSERT_TRUE(h) << h.error().message;
  ASSERT_FALSE((*h)->start());
  EXPECT_THAT(get("/ready"), HasSubstr("503 not started yet: topic shouted"));
}

TEST_F(process, that_is_told_to_stop_while_it_waits_for_its_log_stops) {
  const auto other = open_elsewhere();
  must_stop = [asked = 0]() mutable { return ++asked > 2; };
  const auto h = open();
  ASSERT_FALSE(h);
  EXPECT_THAT(h.error().message, HasSubstr("stopped before"));
}

TEST_F(process, does_not_wait_for_a_damaged_log_to_heal) {
  open_elsewhere();
  for (const auto& file : std::filesystem::directory_iterator{options().log})
    if (file.path().filename() == "CURRENT") std::ofstream{file.path()} << "damaged";
  const auto h = open();
  ASSERT_FALSE(h);
  EXPECT_THAT(h.error().message, HasSubstr("is damaged"));
}

TEST_F(process, that_ends_well_forgets_the_crashes_before_it_and_another_does_not) {
  const auto history = options().crash_history;
  for (const bool is_well : {false, true}) {
    const auto h = open();
    ASSERT_TRUE(h) << h.error().message;
    std::ofstream{history} << "";
    (*h)->stop(is_well);
    EXPECT_EQ(std::filesystem::exists(history), !is_well);
  }
}

}  // namespace
}  // namespace cloudflow::runner
