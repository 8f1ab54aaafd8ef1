// Positions of groups that have none any more, because they have expired or their topic was
// deleted.
#include "cloudflow/pubsub/kafka/state_fixture.test.hpp"
#include "cloudflow/pubsub/kafka/topic_deletion.test.hpp"
#include "cloudflow/pubsub/kafka/transaction_by_hand.test.hpp"

#include "cloudflow/pubsub/kafka/internal/changelog_records.hpp"

namespace cloudflow::pubsub::kafka {
namespace {

using testing::HasSubstr;

TEST_F(kafka_state, has_the_position_of_a_group_that_has_expired) {
  const auto group = named("stats.in");
  std::string topic;
  {
    const auto log = open_session(in("here"));
    topic = create(*log, "t", 1);
    const auto out = open_producer(*log, "w");
    ASSERT_TRUE(write(*out, {topic, partition_id{0}}, numbers(0, 10)).has_value());
    bring(*log, "stats", 1);
    transaction changes;
    changes.state.push_back({"stats.counts", partition_id{0}, "k", "v"});
    changes.positions.push_back({group, topic, partition_id{0}, record_offset{7}});
    ASSERT_TRUE(out->commit(changes).has_value());
  }
  delete_group(group);
  const auto log = open_session(in("there"));
  ASSERT_EQ(log->position(group, {topic, partition_id{0}}).value(), std::nullopt);
  member reader{*log, {.group = group, .topics = {topic}, .on_ready = {}}};
  ASSERT_TRUE(eventually([&] { return reader.poll_assignments(), reader.next.size() == 1; }));
  EXPECT_EQ(reader.next.begin()->second, record_offset{7});
  EXPECT_FALSE(log->state().find("stats.counts", partition_id{0}, "k").has_value())
      << "the task is not here because its position was looked up";
}

/// A streamlet that has committed position 7 of `topic_` with its state, and was stopped.
class kafka_kept_position : public kafka_state {
protected:
  void SetUp() override {
    const auto log = open_session(in("here"));
    topic_ = create(*log, "t", 1);
    bring(*log, "stats", 1);
    commit(*log, record_offset{7});
  }
  void commit(backend& log, record_offset next) {
    const auto out = open_producer(log, "w");
    ASSERT_TRUE(write(*out, {topic_, partition_id{0}}, numbers(0, 10)).has_value());
    transaction changes;
    changes.state.push_back({"stats.counts", partition_id{0}, "k", "v"});
    changes.positions.push_back({group_, topic_, partition_id{0}, next});
    ASSERT_TRUE(out->commit(changes).has_value());
  }
  /// The group's own positions go with the topic.
  void make_topic_again(backend& log, int records) const {
    delete_topic(log, topic_);
    EXPECT_EQ(create(log, "t", 1), topic_);
    const auto out = open_producer(log, "writer of the new one");
    ASSERT_TRUE(write(*out, {topic_, partition_id{0}}, numbers(0, records)).has_value());
    const topic_partition source{topic_, partition_id{0}};
    ASSERT_TRUE(eventually([&] { return log.position(group_, source).value() == std::nullopt; }));
  }
  member join(backend& log) const {
    return {log, {.group = group_, .topics = {topic_}, .on_ready = {}}};
  }
  static record_offset start_of(member& reader) {
    EXPECT_TRUE(eventually([&] { return reader.poll_assignments(), reader.next.size() == 1; }));
    return reader.next.begin()->second;
  }

  const std::string group_ = named("stats.in");
  std::string topic_;
};

TEST_F(kafka_kept_position, of_a_topic_that_was_made_again_is_said_and_nothing_is_skipped) {
  const auto log = open_session(in("there"));
  make_topic_again(*log, 20);
  auto reader = join(*log);
  const topic_partition source{topic_, partition_id{0}};
  const auto start = start_of(reader);
  for (int i = 0; i != 2; ++i) {
    const auto refused = reader->fetch(source, {});
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, errc::offset_out_of_range);
    EXPECT_FALSE(refused.error().is_retriable());
    EXPECT_EQ(refused.error().message,
              "topic \"" + topic_ + "\" was deleted and made again: the position 7 of group \"" +
                  group_ +
                  "\" is not of this one. Move the group to where it shall go on (offsets set), "
                  "and begin with empty state if that was computed from the former one.");
    ASSERT_TRUE(reader->seek(source, start).has_value());
  }
}

TEST_F(kafka_kept_position, is_of_the_new_topic_after_the_group_was_moved) {
  const topic_partition source{topic_, partition_id{0}};
  {
    const auto log = open_session(in("here"));
    make_topic_again(*log, 20);
    transaction moved;
    moved.positions.push_back({group_, topic_, partition_id{0}, record_offset{0}});
    ASSERT_TRUE(open_producer(*log, "by hand")->commit(moved).has_value());
    auto reader = join(*log);
    EXPECT_EQ(start_of(reader), record_offset{0});
    EXPECT_EQ(fetch(*reader, source, 20), numbers(0, 20));
    bring(*log, "stats", 1);
    commit(*log, record_offset{9});
  }
  delete_group(group_);
  const auto log = open_session(in("there"));
  auto reader = join(*log);
  EXPECT_EQ(start_of(reader), record_offset{9});
}

TEST_F(kafka_kept_position, that_is_committed_late_is_of_the_topic_that_was_read) {
  {
    const auto log = open_session(in("here"));
    auto reader = join(*log);
    EXPECT_EQ(start_of(reader), record_offset{7});
    bring(*log, "stats", 1);
    make_topic_again(*log, 20);
    commit(*log, record_offset{9});
  }
  delete_group(group_);
  const auto log = open_session(in("there"));
  auto reader = join(*log);
  EXPECT_EQ(start_of(reader), record_offset{9});
  const auto refused = reader->fetch({topic_, partition_id{0}}, {});
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().message, HasSubstr("made again: the position 9 of group"));
}

TEST_F(kafka_kept_position, that_was_written_without_the_id_of_its_topic_is_taken) {
  const auto log = open_session(in("there"));
  make_topic_again(*log, 20);
  record_buffer key;
  byte_writer value;
  value.put_long(5);
  append(key, {positions_store("stats"), position_key(group_, topic_), ""});
  transaction_by_hand earlier{shared_broker(), named("earlier")};
  earlier.send(named("stats") + ".changelog", key.key(key.entries()[0]), value.view());
  earlier.commit();
  auto reader = join(*log);
  EXPECT_EQ(start_of(reader), record_offset{5});
}

}  // namespace
}  // namespace cloudflow::pubsub::kafka
