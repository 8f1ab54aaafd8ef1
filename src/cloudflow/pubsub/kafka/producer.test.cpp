#include "cloudflow/pubsub/kafka/session_fixture.test.hpp"

namespace cloudflow::pubsub::kafka {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class kafka_writing : public kafka_session {
protected:
  void SetUp() override {
    log_ = open_session();
    topic_ = create(*log_, "t", 2);
    group_ = named("g");
  }
  /// All that can be read now; waits until there are `count`, if so many are to come.
  std::vector<std::string> values(const topic_partition& source, std::size_t count = 0) const {
    std::vector<std::string> all;
    EXPECT_TRUE(eventually([&] {
      all.clear();
      for (record_offset next{0};;) {
        const auto batch = log_->read(source, next, {});
        EXPECT_TRUE(batch.has_value()) << batch.error().message;
        if (!batch || !batch->next() || batch->next() == next) break;
        for (const auto& record : batch->records()) all.emplace_back(record.value);
        next = *batch->next();
      }
      return all.size() >= count;
    })) << all.size()
        << " of " << count;
    return all;
  }
  topic_partition at(std::int32_t partition) const { return {topic_, partition_id{partition}}; }

  std::unique_ptr<backend> log_;
  std::string topic_, group_;
};

TEST_F(kafka_writing, a_transaction_over_two_topics_and_a_position_is_visible_whole) {
  const auto other = create(*log_, "u", 1), in = create(*log_, "in", 1);
  const auto a = records_of({"a"}), b = records_of({"b"});
  transaction changes;
  changes.outputs.push_back({topic_, partition_id{0}, &a});
  changes.outputs.push_back({other, partition_id{0}, &b});
  changes.positions.push_back({group_, in, partition_id{0}, record_offset{17}});
  const auto done = open_producer(*log_, "w")->commit(changes);
  ASSERT_TRUE(done.has_value()) << done.error().message;
  EXPECT_THAT(values(at(0), 1), ElementsAre("a"));
  EXPECT_THAT(values({other, partition_id{0}}, 1), ElementsAre("b"));
  EXPECT_EQ(log_->position(group_, {in, partition_id{0}}).value(), record_offset{17});
}

TEST_F(kafka_writing,
       of_a_transaction_that_the_group_refuses_nothing_is_visible_and_the_next_succeeds) {
  // A member elsewhere makes the group one that this session is not in.
  const auto elsewhere = open_session();
  member reader{*elsewhere, {.group = group_, .topics = {topic_}, .on_ready = {}}};
  ASSERT_TRUE(eventually([&] { return reader.poll_assignments(), reader.next.size() == 2; }));
  const auto out = open_producer(*log_, "w");
  const auto lost = records_of({"lost"});
  transaction changes;
  changes.outputs.push_back({topic_, partition_id{0}, &lost});
  changes.positions.push_back({group_, topic_, partition_id{0}, record_offset{1}});
  const auto refused = out->commit(changes);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, errc::rebalanced) << refused.error().message;
  EXPECT_FALSE(refused.error().is_retriable());
  EXPECT_FALSE(refused.error().is_fatal());
  ASSERT_TRUE(write(*out, at(0), {"kept"}).has_value());
  EXPECT_THAT(values(at(0), 1), ElementsAre("kept"));
  EXPECT_EQ(log_->position(group_, at(0)).value(), std::nullopt);
}

TEST_F(kafka_writing, a_commit_for_a_partition_that_was_lost_is_refused_and_leaves_nothing) {
  auto short_lived = consumer_options{.group = group_,
                                      .topics = {topic_},
                                      .on_ready = {},
                                      .properties = {{"group.protocol", "classic"},
                                                     {"session.timeout.ms", "2000"},
                                                     {"heartbeat.interval.ms", "300"},
                                                     {"max.poll.interval.ms", "2000"}}};
  member late{*log_, short_lived};
  ASSERT_TRUE(eventually([&] { return late.poll_assignments(), late.next.size() == 2; }));
  const auto elsewhere = open_session();
  member other{*elsewhere, short_lived};
  ASSERT_TRUE(eventually([&] { return other.poll_assignments(), other.next.size() == 2; }));

  const auto out = open_producer(*log_, "w");
  const auto records = records_of({"x"});
  transaction changes;
  changes.outputs.push_back({topic_, partition_id{0}, &records});
  changes.positions.push_back({group_, topic_, partition_id{0}, record_offset{1}});
  const auto refused = out->commit(changes);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, errc::rebalanced) << refused.error().message;
  ASSERT_TRUE(eventually(
      [&] { return late.poll_assignments(), late.told(assignment::kind::lost).size() == 2; }));
  EXPECT_EQ(out->commit(changes).error().code, errc::rebalanced) << "it is known now";
  EXPECT_THAT(values(at(0)), IsEmpty());
}

TEST_F(kafka_writing, a_commit_of_a_generation_that_has_ended_is_refused_by_the_brokers) {
  // Another process takes the place of a member that will not hear of it for a while.
  const auto in_place = consumer_options{.group = group_,
                                         .topics = {topic_},
                                         .on_ready = {},
                                         .properties = {{"group.protocol", "classic"},
                                                        {"group.instance.id", "one"},
                                                        {"session.timeout.ms", "30000"},
                                                        {"heartbeat.interval.ms", "20000"}}};
  member late{*log_, in_place};
  ASSERT_TRUE(eventually([&] { return late.poll_assignments(), late.next.size() == 2; }));
  const auto out = open_producer(*log_, "w");
  ASSERT_TRUE(write(*out, at(1), {"before"}).has_value());
  const auto elsewhere = open_session();
  member other{*elsewhere, in_place};
  ASSERT_TRUE(eventually([&] { return other.poll_assignments(), other.next.size() == 2; }));

  const auto records = records_of({"x"});
  transaction changes;
  changes.outputs.push_back({topic_, partition_id{0}, &records});
  changes.positions.push_back({group_, topic_, partition_id{0}, record_offset{1}});
  const auto refused = out->commit(changes);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, errc::rebalanced) << refused.error().message;
  EXPECT_FALSE(refused.error().is_retriable());
  EXPECT_FALSE(refused.error().is_fatal());
  ASSERT_TRUE(write(*out, at(0), {"kept"}).has_value());
  EXPECT_THAT(values(at(0), 1), ElementsAre("kept"));
  EXPECT_EQ(log_->position(group_, at(0)).value(), std::nullopt);
}

TEST_F(kafka_writing, the_next_owner_of_an_id_fences_the_one_before) {
  const auto first = open_producer(*log_, "same");
  ASSERT_TRUE(write(*first, at(0), {"1"}).has_value());
  const auto second = open_producer(*log_, "same");
  const auto refused = write(*first, at(0), {"late"});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, errc::fenced) << refused.error().message;
  EXPECT_THAT(refused.error().message,
              HasSubstr("another process uses the producer id \"" + named("same") +
                        "\": give each process an --ordinal of its own"));
  EXPECT_TRUE(refused.error().is_fatal());
  ASSERT_TRUE(write(*second, at(0), {"2"}).has_value());
  EXPECT_THAT(values(at(0), 2), ElementsAre("1", "2"));
}

TEST_F(kafka_writing,
       a_record_that_is_too_large_is_refused_with_both_sizes_before_anything_is_sent) {
  const auto small = create(*log_, "small", 1, {{"max.message.bytes", "1000"}});
  for (const auto delivery : {guarantee::exactly_once, guarantee::at_least_once}) {
    const auto out = open_producer(*log_, "w", delivery);
    const auto good = records_of({"good"}), bad = records_of({"fits", std::string(1000, 'x')});
    transaction changes;
    changes.outputs.push_back({topic_, partition_id{0}, &good});
    changes.outputs.push_back({small, partition_id{0}, &bad});
    const auto refused = out->commit(changes);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, errc::record_too_large);
    EXPECT_THAT(refused.error().message, HasSubstr(small));
    EXPECT_THAT(refused.error().message, HasSubstr("1000"));
    EXPECT_THAT(values(at(0)), IsEmpty());
  }
}

TEST_F(kafka_writing,
       a_record_may_be_as_large_as_the_topic_says_and_many_small_ones_go_one_after_the_other) {
  const topic_partition small{create(*log_, "small", 1, {{"max.message.bytes", "1000"}}),
                              partition_id{0}};
  const auto out = open_producer(*log_, "w");
  // 61 bytes of the batch, 9 of the record.
  ASSERT_TRUE(write(*out, small, {std::string(1000 - 70, 'x')}).has_value());
  const auto one_more = write(*out, small, {std::string(1000 - 69, 'x')});
  ASSERT_FALSE(one_more.has_value());
  EXPECT_EQ(one_more.error().code, errc::record_too_large);
  const auto many = write(*out, small, numbers(0, 500));
  ASSERT_TRUE(many.has_value()) << many.error().message;
  EXPECT_EQ(values(small, 501).size(), 501u);
}

TEST_F(kafka_writing, unknown_topics_and_partitions_are_said_before_anything_is_sent) {
  const auto out = open_producer(*log_, "w");
  const auto records = records_of({"x"});
  for (const auto& where : {topic_partition{named("none"), partition_id{0}}, at(2)}) {
    transaction changes;
    changes.outputs.push_back({topic_, partition_id{0}, &records});
    changes.outputs.push_back({where.topic, where.partition, &records});
    const auto refused = out->commit(changes);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, errc::topic_not_found);
    EXPECT_THAT(refused.error().message, HasSubstr(where.topic));
  }
  EXPECT_THAT(values(at(0)), IsEmpty());
}

TEST_F(kafka_writing, the_records_of_a_partition_keep_their_order_when_the_queue_is_full) {
  for (const auto delivery : {guarantee::exactly_once, guarantee::at_least_once}) {
    auto opened = log_->open_producer({.transactional_id = named("w"),
                                       .delivery = delivery,
                                       .properties = {{"queue.buffering.max.messages", "300"}}});
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
    record_buffer even, odd;
    for (int i = 0; i != 5000; ++i) {
      auto& records = i % 2 == 0 ? even : odd;
      records.append({}, std::to_string(i));
      if (i % 7 == 0) records.add_header("h", "1");  // these go another way to librdkafka
    }
    transaction changes;
    changes.outputs.push_back({topic_, partition_id{0}, &even});
    changes.outputs.push_back({topic_, partition_id{1}, &odd});
    const auto done = (*opened)->commit(changes);
    ASSERT_TRUE(done.has_value()) << done.error().message;
  }
  for (int odd = 0; odd != 2; ++odd) {
    std::vector<std::string> expected;
    for (int twice = 0; twice != 2; ++twice)
      for (int i = odd; i < 5000; i += 2) expected.push_back(std::to_string(i));
    EXPECT_EQ(values(at(odd), 5000), expected);
  }
}

TEST_F(kafka_writing, at_least_once_commits_positions_with_and_without_a_member) {
  const auto out = open_producer(*log_, "w", guarantee::at_least_once);
  const auto records = records_of({"x"});
  transaction changes;
  changes.outputs.push_back({topic_, partition_id{1}, &records});
  changes.positions.push_back({group_, topic_, partition_id{0}, record_offset{1}});
  auto done = out->commit(changes);
  ASSERT_TRUE(done.has_value()) << done.error().message;
  EXPECT_EQ(log_->position(group_, at(0)).value(), record_offset{1});

  ASSERT_TRUE(write(*out, at(0), numbers(0, 10)).has_value());
  member in{*log_, {.group = group_, .topics = {topic_}, .on_ready = {}}};
  ASSERT_TRUE(eventually([&] { return in.poll_assignments(), in.next.size() == 2; }));
  EXPECT_EQ(in.next.at(at(0)), record_offset{1});
  changes.positions.front().next = record_offset{5};
  done = out->commit(changes);
  ASSERT_TRUE(done.has_value()) << done.error().message;
  EXPECT_EQ(log_->position(group_, at(0)).value(), record_offset{5});
}

TEST_F(kafka_writing, a_commit_goes_on_while_the_caller_works) {
  bell news;
  auto opened = log_->open_producer({.transactional_id = named("w"), .on_outcome = news.ringer()});
  ASSERT_TRUE(opened.has_value()) << opened.error().message;
  auto& out = **opened;
  const auto records = records_of(numbers(0, 100));
  transaction changes;
  changes.outputs.push_back({topic_, partition_id{0}, &records});
  for (int i = 0; i != 3; ++i) {
    out.begin(changes);
    std::optional<result<void>> ended;
    ASSERT_TRUE(eventually([&] { return (ended = out.outcome()).has_value(); }));
    EXPECT_TRUE(ended->has_value()) << ended->error().message;
    EXPECT_FALSE(out.outcome().has_value());
  }
  EXPECT_EQ(values(at(0), 300).size(), 300u);
}

}  // namespace
}  // namespace cloudflow::pubsub::kafka
