#include "cloudflow/pubsub/kafka/recorder.test.hpp"
#include "cloudflow/pubsub/kafka/session_fixture.test.hpp"
#include "cloudflow/pubsub/kafka/topic_deletion.test.hpp"
#include "cloudflow/pubsub/kafka/transaction_by_hand.test.hpp"

#include <algorithm>
#include <array>

namespace cloudflow::pubsub::kafka {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

using kind = assignment::kind;

/// Members of a group, by both protocols.
class kafka_group : public kafka_session, public testing::WithParamInterface<std::string> {
protected:
  consumer_options in_group(const std::vector<std::string>& topics) const {
    consumer_options wanted{.group = named("g"), .topics = topics, .on_ready = {}};
    wanted.properties["group.protocol"] = GetParam();
    // Members hear of the others' joining by it.
    if (GetParam() == "classic") wanted.properties["heartbeat.interval.ms"] = "300";
    return wanted;
  }
  static void poll(std::span<member* const> all) {
    for (auto* one : all) one->poll_assignments();
  }
};

INSTANTIATE_TEST_SUITE_P(protocols, kafka_group, testing::Values("consumer", "classic"),
                         [](const auto& each) { return each.param; });

TEST_P(kafka_group, two_members_share_the_partitions_and_none_is_owned_twice) {
  const auto log = open_session();
  const auto topic = create(*log, "t", 4);
  member a{*log, in_group({topic})}, b{*log, in_group({topic})};
  const std::array all{&a, &b};
  EXPECT_TRUE(eventually([&] {
    poll(all);
    for (const auto& [source, next] : a.next) EXPECT_FALSE(b.next.contains(source));
    return a.next.size() == 2 && b.next.size() == 2;
  }));
  EXPECT_TRUE(a->has_joined());
}

TEST_P(kafka_group, a_member_whose_topic_is_missing_says_so_until_it_is_there_again) {
  const auto log = open_session();
  const std::vector topics{create(*log, "kept", 1), create(*log, "lost", 1)};
  auto wanted = in_group(topics);
  // How soon librdkafka takes note of a topic.
  wanted.properties["topic.metadata.refresh.interval.ms"] = "500";
  member in{*log, wanted};
  const auto has_joined = [&] { return in.poll_assignments(), in->has_joined(); };
  const auto has_both = [&] { return in.poll_assignments(), in.next.size() == 2; };
  ASSERT_TRUE(eventually(has_both));
  ASSERT_TRUE(eventually(has_joined));
  delete_topic(*log, topics[1]);
  ASSERT_TRUE(eventually([&] { return !has_joined(); }));
  EXPECT_THAT(in->why_not_joined(), HasSubstr("topic \"" + topics[1] + "\" does not exist"));
  create(*log, "lost", 1);
  EXPECT_TRUE(eventually(has_joined)) << in->why_not_joined();
  EXPECT_EQ(in->why_not_joined(), "");
  EXPECT_TRUE(eventually(has_both));
}

TEST_P(kafka_group, only_moved_partitions_are_reported_when_a_member_joins_and_leaves) {
  const auto log = open_session();
  const auto topic = create(*log, "t", 4);
  member a{*log, in_group({topic})};
  ASSERT_TRUE(eventually([&] { return a.poll_assignments(), a.next.size() == 4; }));
  EXPECT_THAT(a.told(kind::assigned), SizeIs(4));

  auto b = std::make_unique<member>(*log, in_group({topic}));
  const std::array both{&a, b.get()};
  ASSERT_TRUE(eventually([&] { return poll(both), a.next.size() == 2 && b->next.size() == 2; }));
  EXPECT_THAT(a.told(kind::assigned), SizeIs(4));
  EXPECT_THAT(a.told(kind::revoked), testing::UnorderedElementsAreArray(b->owned()));
  EXPECT_THAT(b->told(kind::revoked), IsEmpty());

  b.reset();
  ASSERT_TRUE(eventually([&] { return a.poll_assignments(), a.next.size() == 4; }));
  EXPECT_THAT(a.told(kind::assigned), SizeIs(6));
  EXPECT_THAT(a.told(kind::revoked), SizeIs(2));
  EXPECT_THAT(a.told(kind::lost), IsEmpty());
}

TEST_P(kafka_group, a_partition_is_not_given_to_another_member_before_it_is_released) {
  const auto log = open_session();
  const auto topic = create(*log, "t", 2);
  member a{*log, in_group({topic})};
  ASSERT_TRUE(eventually([&] { return a.poll_assignments(), a.next.size() == 2; }));
  a.releases = false;
  member b{*log, in_group({topic})};
  const std::array both{&a, &b};
  ASSERT_TRUE(eventually([&] { return poll(both), !a.told(kind::revoked).empty(); }));
  const auto revoked = a.told(kind::revoked).front();

  const auto out = open_producer(*log, "writer");
  ASSERT_TRUE(write(*out, revoked, numbers(0, 10)).has_value());
  const auto group = named("g");
  transaction changes;
  changes.positions.push_back({group, revoked.topic, revoked.partition, record_offset{4}});
  EXPECT_TRUE(out->commit(changes).has_value()) << "the position of what is not released yet";
  poll(both);
  EXPECT_THAT(b.next, IsEmpty());

  a->release(revoked);
  ASSERT_TRUE(eventually([&] { return poll(both), !b.next.empty(); }));
  EXPECT_EQ(b.next.at(revoked), record_offset{4});
  EXPECT_EQ(fetch(*b, revoked, 6), numbers(4, 10));
  EXPECT_EQ(out->commit(changes).has_value(), true) << "b has it now, in the same session";
}

TEST_P(kafka_group, members_that_join_get_the_same_partitions_of_all_topics) {
  const auto log = open_session();
  const std::vector topics{create(*log, "left", 4), create(*log, "right", 4)};
  auto wanted = in_group(topics);
  wanted.is_joined = true;
  member a{*log, wanted}, b{*log, wanted};
  const std::array both{&a, &b};
  ASSERT_TRUE(eventually([&] { return poll(both), a.next.size() == 4 && b.next.size() == 4; }));
  for (const auto* one : both)
    for (const auto& source : one->owned())
      for (const auto& topic : topics)
        EXPECT_TRUE(one->next.contains({topic, source.partition})) << to_string(source);
}

TEST_P(kafka_group, a_member_that_has_died_is_replaced) {
  const auto log = open_session();
  const auto topic = create(*log, "t", 2);
  auto short_lived = in_group({topic});
  if (GetParam() == "classic") short_lived.properties["session.timeout.ms"] = "2000";
  short_lived.properties["max.poll.interval.ms"] = "2000";
  member a{*log, short_lived};
  ASSERT_TRUE(eventually([&] { return a.poll_assignments(), a.next.size() == 2; }));
  member b{*log, short_lived};
  ASSERT_TRUE(eventually([&] { return b.poll_assignments(), b.next.size() == 2; }))
      << "a is not polled";

  ASSERT_TRUE(eventually([&] { return a.poll_assignments(), a.told(kind::lost).size() == 2; }));
  EXPECT_THAT(a.told(kind::revoked), IsEmpty());
  const std::array both{&a, &b};
  EXPECT_TRUE(eventually([&] { return poll(both), a.next.size() == 1 && b.next.size() == 1; }))
      << "it is polled again";
}

using kafka_consumer = kafka_session;

TEST_F(kafka_consumer,
       waits_with_a_partition_for_the_transaction_on_its_position_and_others_go_on) {
  const auto log = open_session();
  const auto topic = create(*log, "t", 2);
  const topic_partition free{topic, partition_id{0}}, held{topic, partition_id{1}};
  const auto out = open_producer(*log, "w");
  for (const auto& source : {free, held})
    ASSERT_TRUE(write(*out, source, numbers(0, 10)).has_value());
  transaction_by_hand open{shared_broker(), named("held")};
  open.send_position(named("g"), held, 4);
  member in{*log, {.group = named("g"), .topics = {topic}, .on_ready = {}}};
  ASSERT_TRUE(eventually([&] { return in.poll_assignments(), in.next.contains(free); }));
  EXPECT_EQ(fetch(*in, free, 10), numbers(0, 10));
  EXPECT_FALSE(in.next.contains(held));
  open.commit();
  ASSERT_TRUE(eventually([&] { return in.poll_assignments(), in.next.contains(held); }));
  EXPECT_EQ(in.next.at(held), record_offset{4});
}

TEST_F(kafka_consumer, shares_each_topic_with_the_others_of_its_group) {
  const auto log = open_session();
  const std::vector topics{create(*log, "busy", 4), create(*log, "quiet", 4)};
  const consumer_options wanted{.group = named("g"), .topics = topics, .on_ready = {}};
  member a{*log, wanted}, b{*log, wanted};
  const auto count = [](const member& of, const std::string& topic) {
    return std::ranges::count_if(of.next, [&](const auto& at) { return at.first.topic == topic; });
  };
  EXPECT_TRUE(eventually([&] {
    a.poll_assignments();
    b.poll_assignments();
    return std::ranges::all_of(topics, [&](const std::string& topic) {
      return count(a, topic) == 2 && count(b, topic) == 2;
    });
  }));
}

// librdkafka asks again for an end that it was told behind a seek, and then reads from there: what
// is between is lost.
TEST_F(kafka_consumer, never_has_librdkafka_look_for_an_offset) {
  const auto lines = std::make_shared<recorder>();
  auto with_lines = wanted();
  with_lines.connection["debug"] = "topic";
  with_lines.log = logger{lines, "kafka"};
  const auto log = open_session(with_lines);
  const auto topic = create(*log, "t", 2);
  const topic_partition source{topic, partition_id{0}};
  const auto out = open_producer(*log, "w");
  ASSERT_TRUE(write(*out, source, numbers(0, 10)).has_value());
  {
    member in{*log, {.group = named("g"), .topics = {topic}, .on_ready = {}}};
    ASSERT_TRUE(eventually([&] { return in.poll_assignments(), in.next.size() == 2; }));
    EXPECT_EQ(fetch(*in, source, 10), numbers(0, 10));
    ASSERT_TRUE(in->seek(source, record_offset{5}).has_value());
    EXPECT_EQ(fetch(*in, source, 5), numbers(5, 10));
  }
  EXPECT_THAT(lines->text(), HasSubstr("Start fetch for"));
  EXPECT_THAT(lines->text(), testing::Not(HasSubstr("logical offset")));
}

TEST(kafka_without_new_groups, consumers_use_the_classic_protocol) {
  const test_broker broker{{.settings = {"group.coordinator.rebalance.protocols=classic"}}};
  const auto log = open({.connection = {{"bootstrap.servers", broker.address()}}}, clock_of_tests);
  ASSERT_TRUE(log.has_value()) << log.error().message;
  ASSERT_TRUE((*log)->ensure_topic({.name = "t", .partitions = 2}).has_value());
  for (const auto* group : {"first", "second"}) {
    member in{**log, {.group = group, .topics = {"t"}, .on_ready = {}}};
    EXPECT_TRUE(eventually([&] { return in.poll_assignments(), in.next.size() == 2; })) << group;
  }
}

}  // namespace
}  // namespace cloudflow::pubsub::kafka
