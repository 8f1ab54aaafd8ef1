/// Partitions that come and go, and commits that take their time: several processes on one log.
#include "cloudflow/runtime/processes.test.hpp"

#include "cloudflow/runtime/streamlets.test.hpp"
#include "cloudflow/runtime/threads.hpp"

#include <thread>

namespace cloudflow::runtime {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// -- partitions -----------------------------------------------------------------------------------

TEST_F(processes, commit_what_they_did_with_a_partition_before_it_goes_to_another) {
  application<echoing>(2);
  auto a = start("a");
  step({&a});
  hold_commits();
  send("lines", say_all({"one", "two"}), 1);
  step({&a});
  auto b = start("b");
  step({&a, &b});
  EXPECT_THAT(b.status(1).sources, IsEmpty());
  EXPECT_THAT(a.status(1).sources, SizeIs(1));
  let_commits_end();
  send("lines", say_all({"three"}), 1);
  step({&a, &b});
  EXPECT_THAT(a.status(1).sources, IsEmpty());
  EXPECT_THAT(b.status(1).sources, SizeIs(1));
  EXPECT_THAT(texts("echoes"), ElementsAre("one", "two", "three"));
}

TEST_F(processes, drop_what_they_did_with_a_partition_that_they_have_lost) {
  application<echoing>();
  auto a = start("a");
  step({&a});
  send("lines", say_all({"one", "two"}));
  hold_commits();
  step({&a});
  a.log->hang();
  clock.advance(3s);
  let_commits_end();
  auto b = start("b");
  step({&b});
  a.log->wake_up();
  step({&a, &b}, 200);
  EXPECT_THAT(texts("echoes"), ElementsAre("one", "two"));
  EXPECT_THAT(a.status().sources, IsEmpty());
  EXPECT_TRUE(a.runtime->is_ready());
}

TEST_F(processes, read_no_state_before_that_of_the_former_owner_is_complete) {
  application<counting>();
  auto a = start("a");
  step({&a});
  send("shouted", std::vector<line>{{"x", at(0), ""}, {"x", at(1), ""}});
  step({&a});
  send("shouted", std::vector<line>{{"x", at(2), ""}});
  hold_commits();
  step({&a});
  a.crash();
  clock.advance(1s);
  auto b = start("b");
  step({&b});
  EXPECT_FALSE(b.status().is_restoring);  // the group still waits for the former owner
  EXPECT_TRUE(b.runtime->is_ready());
  brokers.set_fault_profile(
      {.holds_commits = true, .transaction_timeout = 10s, .session_timeout = 1s});
  step({&b});
  EXPECT_TRUE(b.status().is_restoring);
  EXPECT_FALSE(b.runtime->is_ready());
  let_commits_end();
  clock.advance(10s);
  send("shouted", std::vector<line>{{"x", at(60), ""}});
  step({&b});
  ASSERT_THAT(read<count>("counts"), SizeIs(1));
  EXPECT_EQ(read<count>("counts")[0].lines, 3);
  EXPECT_FALSE(b.status().is_restoring);
}

TEST_F(processes, let_a_partition_go_although_others_of_the_task_have_always_something_to_do) {
  application<echoing_both>();
  auto a = start("a"), b = start("b");
  step({&a, &b});
  ASSERT_THAT(a.status().sources, SizeIs(2));
  brokers.set_fault_profile({.longest_phase = 20});
  for (int n = 0; n != 200; ++n) {
    send("talk", say_all({"x"}));
    if (n == 50) brokers.rebalance("app.app.chat");
    step({&a, &b}, 1);
  }
  EXPECT_THAT(a.status().sources, SizeIs(1));
  EXPECT_THAT(b.status().sources, SizeIs(1));
}

/// Brokers part them, when one topic of the group has other partitions than the others.
TEST_F(processes, with_one_partition_of_all_that_belongs_to_a_state_do_not_touch_it) {
  application<counting>(2);
  const auto retries = built.retry_topic(built.plan.streamlets[0].inlets[0]);
  for (auto& t : built.plan.topics)
    if (t.id == retries) t.partitions = 3;
  auto a = start("a"), b = start("b");
  send("shouted", std::vector<line>{{"x", at(0), ""}}, 0);
  send("shouted", std::vector<line>{{"y", at(0), ""}}, 1);
  step({&a, &b}, 100);
  for (const auto* p : {&a, &b}) {
    EXPECT_EQ(p->status(0).records_in + p->status(1).records_in, 0u);
    EXPECT_THAT(p->runtime->why_not_ready(), testing::HasSubstr("and not of "));
  }
  b.stop();
  step({&a}, 100);
  EXPECT_EQ(a.status(0).records_in + a.status(1).records_in, 2u);
  EXPECT_EQ(a.runtime->why_not_ready(), "");
}

/// A consumer that says what a test wants it to say.
struct scripted_consumer final : pubsub::consumer {
  std::vector<pubsub::assignment> next;
  std::vector<pubsub::topic_partition>* released;

  explicit scripted_consumer(std::vector<pubsub::topic_partition>* to) : released(to) {}
  pubsub::result<std::vector<pubsub::assignment>> poll_assignments() override {
    return std::exchange(next, {});
  }
  pubsub::result<pubsub::record_batch> fetch(const pubsub::topic_partition&,
                                             pubsub::fetch_limits) override {
    return pubsub::record_batch{};
  }
  pubsub::result<void> seek(const pubsub::topic_partition&, record_offset) override { return {}; }
  pubsub::result<record_offset> end_offset(const pubsub::topic_partition&) const override {
    return record_offset{0};
  }
  void release(const pubsub::topic_partition& source) override { released->push_back(source); }
  bool has_joined() const override { return true; }
  std::string why_not_joined() const override { return {}; }
};

TEST(membership, holds_no_partition_that_has_come_to_the_topic_since_the_process_started) {
  std::vector<pubsub::topic_partition> released;
  auto consumer = std::make_unique<scripted_consumer>(&released);
  const pubsub::topic_partition unknown{"lines", partition_id{4}};
  consumer->next = {{pubsub::assignment::kind::assigned, unknown, record_offset{0}}};
  input in{"g", {{"lines", 1}}, std::move(consumer)};
  membership m{in, {{"lines", 0}}, {}, logger{make_null_sink(), "test"}};
  m.poll_assignments();
  EXPECT_THAT(released, ElementsAre(unknown));
}

// -- commits --------------------------------------------------------------------------------------

TEST_F(processes, work_on_while_a_commit_is_under_way) {
  application<echoing>();
  auto a = start("a");
  step({&a});
  hold_commits();
  send("lines", say_all({"one"}));
  step({&a});
  EXPECT_EQ(a.status().records_in, 1u);
  send("lines", say_all({"two", "three"}));
  step({&a});
  EXPECT_EQ(a.status().records_in, 3u);
  EXPECT_THAT(texts("echoes"), IsEmpty());
  let_commits_end();
  step({&a});
  EXPECT_THAT(texts("echoes"), ElementsAre("one", "two", "three"));
}

TEST_F(processes, replay_what_fails_during_a_commit_from_what_that_commit_makes_durable) {
  application<echoing>();
  auto a = start("a");
  step({&a});
  hold_commits();
  send("lines", say_all({"one"}));
  step({&a});
  send("lines", say_all({"two", "bad", "three"}));
  step({&a});
  let_commits_end();
  step({&a});
  EXPECT_THAT(texts("echoes"), ElementsAre("one", "two", "three"));
  EXPECT_THAT(headers("app.app.lines.dead-letter"), SizeIs(1));
}

TEST_F(processes, fire_again_at_the_end_of_the_input_when_the_commit_of_it_fails) {
  application<counting>();
  auto a = start("a");
  send("shouted", say_all({"one"}));
  step({&a});
  EXPECT_FALSE(a.runtime->advance_to_end());
  brokers.fail_commits(2, {.code = pubsub::errc::fenced, .message = "fenced"});
  run_to_end(a);
  EXPECT_THAT(read<count>("counts"), SizeIs(1));
}

TEST_F(processes, come_to_the_end_of_the_input_with_a_partition_that_was_away_when_it_came) {
  application<counting>(2);
  auto a = start("a");
  send("shouted", say_all({"x"}), 0);
  send("shouted", say_all({"y", "z"}), 1);
  step({&a}, 100);
  EXPECT_FALSE(a.runtime->advance_to_end());  // asks for the end, which the next steps come to
  auto b = start("b");
  step({&a}, 1);
  b.stop();
  run_to_end(a);
  EXPECT_THAT(read<count>("counts"),
              testing::UnorderedElementsAre(count{"a", at(0), 1}, count{"a", at(0), 2}));
}

TEST_F(processes, stop_when_all_that_is_done_is_committed) {
  application<echoing>();
  std::uint64_t done = 0;
  for (int n = 0; n != 20; ++n) {
    auto a = start("a");
    brokers.set_fault_profile({.longest_phase = 5});
    send("lines", say_all({"one", "two"}));
    step({&a}, n % 5);
    send("lines", say_all({"three"}));
    step({&a}, n % 3);
    done += a.status().records_in;
    a.stop();
    EXPECT_THAT(texts("echoes"), SizeIs(done));
  }
  EXPECT_GT(done, 20u);
}

// -- bad records ----------------------------------------------------------------------------------

TEST_F(processes, get_past_many_bad_records_in_one_commit) {
  application<echoing>();
  auto a = start("a");
  step({&a});
  std::vector<std::string> said;
  for (int n = 0; n != 20; ++n) said.insert(said.end(), {"good", "bad", "bad"});
  send("lines", say_all(said));
  for (int n = 0; n != 1000; ++n) a.runtime->workers()[0]->step();  // no time passes
  step({&a}, 2);
  EXPECT_THAT(texts("echoes"), SizeIs(20));
  EXPECT_THAT(headers("app.app.lines.dead-letter"), SizeIs(40));
}

TEST_F(processes, set_aside_a_bad_record_while_another_inlet_is_in_the_middle_of_one) {
  application<spelling_beside_echoing>();
  auto a = start("a");
  send("chat", say_all({"good", "bad"}));
  send("words", say_all({"hello"}));
  run_to_end(a);
  EXPECT_THAT(texts("echoes"), testing::UnorderedElementsAre("good", "h", "e", "l", "l", "o"));
  EXPECT_THAT(headers("app.app.chat.dead-letter"), SizeIs(1));
}

TEST_F(processes, set_aside_a_record_that_cannot_be_read_when_it_is_its_turn) {
  application<spelling>();
  record_buffer lines;
  append(lines, say(std::string(100, 'x')));
  append(lines, say("of an unknown schema"));
  lines.add_header(flow::schema_header_name, "12345678");
  auto a = start("a");
  send("lines", lines);
  step({&a}, 30);
  EXPECT_THAT(texts("echoes"), testing::Not(IsEmpty()));
  a.crash();
  clock.advance(3s);
  auto b = start("b");
  run_to_end(b);
  EXPECT_THAT(texts("echoes"), SizeIs(100));
  EXPECT_THAT(headers("app.app.lines.dead-letter"), SizeIs(1));
}

TEST_F(processes, with_the_policy_fail_stop_at_a_bad_record_before_one_that_takes_long) {
  application<spelling>(1, bad_record_policy::fail);
  record_buffer lines;
  lines.append("a", "\x02");
  append(lines, say(std::string(1000, 'x')));
  auto a = start("a");
  send("lines", lines);
  step({&a}, 100);
  EXPECT_FALSE(a.runtime->is_ready());
  EXPECT_THAT(texts("echoes"), IsEmpty());
}

TEST_F(processes,
       set_aside_a_record_that_is_too_large_for_a_topic_and_take_it_when_that_takes_more) {
  application<echoing>(2);
  const auto retries = built.retry_topic(built.plan.streamlets[0].inlets[0]);
  for (auto& t : built.plan.topics)
    if (t.id == "echoes") t.properties["max.message.bytes"] = "1000";
  auto a = start("a");
  const auto large = say(std::string(2000, 'x'));
  for (const auto partition : {0, 1}) send("lines", std::vector<line>{large}, partition);
  step({&a});
  EXPECT_THAT(texts("echoes"), IsEmpty());
  ASSERT_THAT(headers("app.app.lines.dead-letter"), SizeIs(2));
  EXPECT_THAT(headers("app.app.lines.dead-letter")[0]["cloudflow-reason"],
              testing::HasSubstr("larger than topic echoes takes"));
  brokers.set_limit("echoes", 10'000);
  for (const auto partition : {0, 1}) send(retries, std::vector<line>{large}, partition);
  step({&a});
  EXPECT_THAT(texts("echoes"), SizeIs(2));
  EXPECT_THAT(headers("app.app.lines.dead-letter"), SizeIs(2));
}

TEST_F(processes, stop_at_a_record_that_is_too_large_for_a_dead_letter_while_others_go_on) {
  application<echoing>(2);
  const std::string letters = "app.app.lines.dead-letter";
  for (auto& t : built.plan.topics)
    if (t.id == letters) t.properties["max.message.bytes"] = "2000";
  auto a = start("a");
  send("lines", std::vector<line>{{std::string(2000, 'x'), at(0), "bad"}}, 0);
  send("lines", say_all({"one"}), 1);
  step({&a});
  EXPECT_THAT(texts("echoes"), ElementsAre("one"));
  EXPECT_FALSE(a.runtime->is_ready());
  EXPECT_THAT(a.status(0).failure, testing::HasSubstr("too large to become a dead letter"));
  brokers.set_limit(letters, 10'000);
  step({&a}, 200);
  EXPECT_TRUE(a.runtime->is_ready());
  EXPECT_THAT(headers(letters), SizeIs(1));
}

TEST_F(processes, say_of_a_retried_record_that_fails_again_where_it_was_at_first) {
  application<echoing>();
  const auto retries = built.retry_topic(built.plan.streamlets[0].inlets[0]);
  auto a = start("a");
  record_buffer lines;
  append(lines, say("bad"));
  lines.add_header("cloudflow-origin", "lines/0/7");
  lines.add_header("cloudflow-failures", "1");
  send(retries, lines);
  send("lines", say_all({"good"}));
  run_to_end(a);
  EXPECT_THAT(texts("echoes"), ElementsAre("good"));
  ASSERT_THAT(headers("app.app.lines.dead-letter"), SizeIs(1));
  auto letter = headers("app.app.lines.dead-letter")[0];
  EXPECT_EQ(letter["cloudflow-topic"], retries);
  EXPECT_EQ(letter["cloudflow-origin"], "lines/0/7");
  EXPECT_EQ(letter["cloudflow-failures"], "1");
}

// -- threads --------------------------------------------------------------------------------------

TEST_F(processes, share_the_partitions_on_threads_of_their_own) {
  const system_clock real;
  time = &real;
  application<counting>(4);
  brokers.set_fault_profile({.longest_phase = 3, .leaves_marks = true, .longest_restore = 3});
  {
    auto a = start("a"), b = start("b");
    const worker_threads of_b{*b.runtime};
    {
      const worker_threads of_a{*a.runtime};
      for (std::int32_t n = 0; n != 40; ++n)
        send("shouted", std::vector<line>{{std::to_string(n % 4), at(n / 4), ""}}, n % 4);
    }
    a.runtime.reset();
    while (!b.runtime->advance_to_end()) std::this_thread::yield();
  }
  std::int64_t lines = 0;
  for (const auto& c : read<count>("counts")) lines += c.lines;
  EXPECT_EQ(lines, 40);
}

}  // namespace
}  // namespace cloudflow::runtime
