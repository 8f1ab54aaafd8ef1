#include "cloudflow/pubsub/kafka/state_fixture.test.hpp"
#include "cloudflow/pubsub/kafka/topic_deletion.test.hpp"
#include "cloudflow/pubsub/kafka/transaction_by_hand.test.hpp"

#include "cloudflow/pubsub/kafka/internal/local_state.hpp"

#include <atomic>

namespace cloudflow::pubsub::kafka {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;
using testing::UnorderedElementsAre;

TEST_F(kafka_state, on_another_machine_is_what_was_committed) {
  entries expected;
  {
    const auto log = open_session(in("here"));
    bring(*log, "stats", 2);
    const auto out = open_producer(*log, "w");
    for (int i = 0; i != 50; ++i) {
      const auto key = std::to_string(i % 20);
      const auto is_removal = i % 7 == 0;
      auto done = put(*out, "stats.counts", 1,
                      {{key, is_removal ? std::nullopt : std::optional{std::to_string(i)}},
                       {"last", std::to_string(i)}});
      ASSERT_TRUE(done.has_value()) << done.error().message;
      if (is_removal)
        expected.erase(key);
      else
        expected[key] = std::to_string(i);
      expected["last"] = std::to_string(i);
    }
    EXPECT_EQ(all(*log, "stats.counts", 1), expected);
    ASSERT_TRUE(put(*out, "stats.other", 1, {{"", ""}}).has_value());
    ASSERT_TRUE(put(*out, "stats.counts", 0, {{"0", "other task"}}).has_value());
  }
  for (const auto* where : {"there", "here"}) {
    const auto log = open_session(in(where));
    bring(*log, "stats", 2);
    EXPECT_EQ(all(*log, "stats.counts", 1), expected) << where;
    EXPECT_THAT(all(*log, "stats.other", 1), UnorderedElementsAre(Pair("", ""))) << where;
    EXPECT_THAT(all(*log, "stats.counts", 0), UnorderedElementsAre(Pair("0", "other task")));
  }
}

TEST_F(kafka_state, goes_on_elsewhere_and_comes_back) {
  const auto here = open_session(in("here")), there = open_session(in("there"));
  bring(*here, "s", 1);
  ASSERT_TRUE(put(*open_producer(*here, "a"), "s", 0, {{"x", "1"}, {"y", "1"}}).has_value());
  here->give_up("s", partition_id{0});
  bring(*there, "s", 1);
  ASSERT_TRUE(
      put(*open_producer(*there, "b"), "s", 0, {{"x", "2"}, {"y", std::nullopt}}).has_value());
  there->give_up("s", partition_id{0});

  EXPECT_EQ(here->state().find("s", partition_id{0}, "x").error().code, errc::rebalanced);
  bring(*here, "s", 1);
  EXPECT_THAT(all(*here, "s", 0), UnorderedElementsAre(Pair("x", "2")));
}

TEST_F(kafka_state, of_a_task_that_is_not_here_is_neither_read_nor_written) {
  const auto log = open_session(in("here"));
  const topic_partition source{create(*log, "t", 1), partition_id{0}};
  bring(*log, "s", 1);
  log->give_up("s", partition_id{0});
  const auto out = open_producer(*log, "w");
  const auto records = records_of({"x"});
  transaction changes;
  changes.outputs.push_back({source.topic, source.partition, &records});
  changes.state.push_back({"s", partition_id{0}, "k", "v"});
  const auto refused = out->commit(changes);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, errc::rebalanced);
  EXPECT_TRUE(log->read(source, record_offset{0}, {}).value().empty());
  bring(*log, "s", 1);
  EXPECT_THAT(all(*log, "s", 0), IsEmpty());
}

TEST_F(kafka_state, does_not_change_with_a_transaction_that_fails) {
  const auto log = open_session(in("here"));
  const auto small = create(*log, "small", 1, {{"max.message.bytes", "1000"}});
  bring(*log, "s", 1);
  const auto out = open_producer(*log, "w");
  ASSERT_TRUE(put(*out, "s", 0, {{"k", "1"}}).has_value());
  const auto large = records_of({std::string(1000, 'x')});
  transaction changes;
  changes.outputs.push_back({small, partition_id{0}, &large});
  changes.state.push_back({"s", partition_id{0}, "k", "2"});
  EXPECT_EQ(out->commit(changes).error().code, errc::record_too_large);
  EXPECT_EQ(log->state().find("s", partition_id{0}, "k").value(), "1");
}

TEST_F(kafka_state, for_another_number_of_partitions_is_refused_with_both) {
  const auto log = open_session(in("here"));
  ASSERT_TRUE(log->ensure_state("s", 3).has_value());
  const auto refused = log->ensure_state("s", 4);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, errc::topic_mismatch);
  EXPECT_THAT(refused.error().message, HasSubstr("3"));
  EXPECT_THAT(refused.error().message, HasSubstr("4"));
}

TEST_F(kafka_state, that_is_lost_with_its_changelog_is_refused_until_that_is_made_anew) {
  const auto log = open_session(in("here"));
  bring(*log, "s", 1);
  ASSERT_TRUE(put(*open_producer(*log, "w"), registry_store, 0, {{"s.counts", "x"}}).has_value());
  ASSERT_TRUE(log->ensure_state("s", 1).has_value());
  ASSERT_TRUE(log->ensure_state("s2", 1).has_value());

  const auto changelog = named("s.changelog");
  delete_topic(*log, changelog);
  for (int i = 0; i != 2; ++i) {
    const auto refused = log->ensure_state("s", 1);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, errc::topic_mismatch);
    EXPECT_THAT(refused.error().message, HasSubstr("the changelog " + changelog + " is gone"));
  }
  create(*log, "s.changelog", 1, {{"cleanup.policy", "compact"}});
  EXPECT_TRUE(log->ensure_state("s", 1).has_value());
}

TEST_F(kafka_state, needs_a_directory) {
  const auto log = open_session();
  EXPECT_EQ(log->ensure_state("s", 1).error().code, errc::unsupported);
  const auto other = open_session(in("here"));
  ASSERT_TRUE(other->ensure_state("s", 1).has_value());
  const auto third = open_session(in("here"));
  EXPECT_EQ(third->ensure_state("s", 1).error().code, errc::in_use);
}

TEST_F(kafka_state, of_no_task_is_seen_by_all_sessions) {
  const auto here = open_session(), there = open_session();
  EXPECT_EQ(here->state().find(registry_store, partition_id{0}, "a").value(), std::nullopt);
  ASSERT_TRUE(
      put(*open_producer(*here, "w"), registry_store, 0, {{"a", "1"}, {"b", "2"}}).has_value());
  EXPECT_EQ(here->state().find(registry_store, partition_id{0}, "a").value(), "1");
  EXPECT_TRUE(eventually(
      [&] { return there->state().find(registry_store, partition_id{0}, "a").value() == "1"; }));
  ASSERT_TRUE(
      put(*open_producer(*here, "w"), registry_store, 0, {{"a", std::nullopt}}).has_value());
  EXPECT_THAT(all(*here, registry_store, 0), UnorderedElementsAre(Pair("b", "2")));
}

// -- transactions and time ------------------------------------------------------------------------

TEST_F(kafka_state, is_not_here_before_the_transaction_of_the_former_owner_has_ended) {
  for (const bool commits : {true, false}) {
    const std::string owner = commits ? "yes" : "no";
    const auto log = open_session(in(owner));
    bring(*log, owner, 1);
    ASSERT_TRUE(put(*open_producer(*log, "w"), owner, 0, {{"k", "1"}}).has_value());
    log->give_up(owner, partition_id{0});

    record_buffer key;
    key.append(
        true,
        [&](byte_writer& out) {
          out.put_text(owner);
          out.put_raw("k");
        },
        [](auto&) {});
    transaction_by_hand former{shared_broker(), named(owner)};
    former.send(named(owner) + ".changelog", key.key(key.entries()[0]), "2");
    bell news;
    for (int i = 0; i != 20; ++i) {
      EXPECT_FALSE(log->restore(owner, partition_id{0}, news.ringer()).value());
      news.wait();
    }
    commits ? former.commit() : former.abort();
    bring(*log, owner, 1);
    EXPECT_EQ(log->state().find(owner, partition_id{0}, "k").value(), commits ? "2" : "1");
  }
}

/// The machine's clock, some time later.
class late_clock final : public clock {
public:
  explicit late_clock(std::chrono::hours by) : by_(by) {}
  timestamp now() const override { return clock_of_tests.now() + by_.load(); }
  std::chrono::nanoseconds monotonic() const override { return clock_of_tests.monotonic(); }
  void go_on(std::chrono::hours by) { by_ = by_.load() + by; }

private:
  std::atomic<std::chrono::hours> by_;
};

/// A session with a copy that has a key too many: only reading all of the changelog removes it.
class kafka_copy : public kafka_state {
protected:
  void SetUp() override {
    const auto log = open_session(in("here"));
    bring(*log, "s", 1);
    ASSERT_TRUE(put(*open_producer(*log, "w"), "s", 0, {{"k", "1"}}).has_value());
  }
  void spoil(const std::function<void(copy_mark&)>& change) const {
    const task_id task{"s", partition_id{0}};
    const auto copy = local_state::open(directory_ / "here", clock_of_tests).value();
    auto mark = copy->mark(task).value().value();
    change(mark);
    const state_change extra{"s", partition_id{0}, "extra", "1"};
    const local_state::change marked{task, mark};
    ASSERT_TRUE(copy->apply({&extra, 1}, {&marked, 1}).has_value());
  }
  entries found_later(std::chrono::hours by) const {
    const late_clock time{by};
    const auto log = open(in("here"), time).value();
    bring(*log, "s", 1);
    return all(*log, "s", 0);
  }
};

TEST_F(kafka_copy, is_continued) {
  spoil([](copy_mark&) {});
  EXPECT_THAT(found_later(std::chrono::hours{11}),
              UnorderedElementsAre(Pair("k", "1"), Pair("extra", "1")));
}

TEST_F(kafka_copy, of_the_future_is_made_anew) {
  spoil([](copy_mark&) {});
  EXPECT_THAT(found_later(std::chrono::hours{-1}), UnorderedElementsAre(Pair("k", "1")));
}

TEST_F(kafka_copy, that_is_in_use_is_not_made_anew_when_a_position_is_looked_up) {
  spoil([](copy_mark&) {});
  late_clock time{std::chrono::hours{0}};
  const auto log = open(in("here"), time).value();
  bring(*log, "s", 1);
  const auto topic = create(*log, "t", 1);
  const auto out = open_producer(*log, "w");
  ASSERT_TRUE(write(*out, {topic, partition_id{0}}, numbers(0, 10)).has_value());
  const auto group = named("s.in");
  transaction changes;
  changes.positions.push_back({group, topic, partition_id{0}, record_offset{7}});
  ASSERT_TRUE(out->commit(changes).has_value());
  delete_group(group);
  time.go_on(std::chrono::hours{13});
  member reader{*log, {.group = group, .topics = {topic}, .on_ready = {}}};
  ASSERT_TRUE(eventually([&] { return reader.poll_assignments(), reader.next.size() == 1; }));
  EXPECT_EQ(reader.next.begin()->second, record_offset{7});
  EXPECT_THAT(all(*log, "s", 0), UnorderedElementsAre(Pair("k", "1"), Pair("extra", "1")));
}

TEST_F(kafka_copy, of_another_topic_of_that_name_is_made_anew) {
  spoil([](copy_mark& mark) { mark.topic_id = "another"; });
  EXPECT_THAT(found_later(std::chrono::hours{0}), UnorderedElementsAre(Pair("k", "1")));
}

TEST_F(kafka_copy, that_is_ahead_of_the_changelog_is_made_anew) {
  spoil([](copy_mark& mark) { mark.next = mark.next + 100; });
  EXPECT_THAT(found_later(std::chrono::hours{0}), UnorderedElementsAre(Pair("k", "1")));
}

TEST_F(kafka_copy, that_may_lack_removals_is_made_anew) {
  spoil([](copy_mark&) {});
  EXPECT_THAT(found_later(std::chrono::hours{13}), UnorderedElementsAre(Pair("k", "1")));
}

}  // namespace
}  // namespace cloudflow::pubsub::kafka
