// Topics, schemas and reading without a group, as far as only Kafka has it so.
#include "cloudflow/pubsub/kafka/internal/admin.hpp"
#include "cloudflow/pubsub/kafka/internal/connection.hpp"
#include "cloudflow/pubsub/kafka/recorder.test.hpp"
#include "cloudflow/pubsub/kafka/session_fixture.test.hpp"

namespace cloudflow::pubsub::kafka {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::Pair;
using testing::UnorderedElementsAre;

class kafka_topics : public kafka_session {
protected:
  options recorded() const {
    auto all = wanted();
    all.log = logger{log_, "kafka"};
    return all;
  }
  /// Requests beside the session, as an administrator makes them.
  admin requests() const { return admin{connection::make(wanted(), clock_of_tests).value()}; }

  const std::shared_ptr<recorder> log_ = std::make_shared<recorder>();
};

TEST_F(kafka_topics, tell_what_is_set_for_them_and_how_large_a_record_may_be) {
  const auto session = open_session();
  const auto name = create(*session, "t", 1, {{"retention.ms", "60000"}});
  EXPECT_THAT(
      session->topic(name)->spec.properties,
      UnorderedElementsAre(Pair("retention.ms", "60000"), Pair("max.message.bytes", "1048588"),
                           Pair("message.timestamp.type", "LogAppendTime")));
}

TEST_F(kafka_topics, have_the_time_of_the_producer_where_that_is_configured) {
  const auto session = open_session();
  const auto name = create(*session, "t", 1, {{"message.timestamp.type", "CreateTime"}});
  EXPECT_THAT(session->topic(name)->spec.properties,
              testing::Contains(Pair("message.timestamp.type", "CreateTime")));
}

TEST_F(kafka_topics, begin_with_the_first_record_that_is_needed) {
  const auto session = open_session();
  const auto name = create(*session, "t", 1);
  const auto requested = requests();
  for (int n = 0; n != 5; ++n) ASSERT_TRUE(requested.append(name, "", "x").has_value());
  session->forget_before({name, partition_id{0}}, record_offset{3});
  EXPECT_TRUE(
      eventually([&] { return session->topic(name)->partitions[0].first == record_offset{3}; }));
}

TEST_F(kafka_topics, that_others_have_made_are_shown_by_name_but_not_listed) {
  const auto name = named("theirs");
  ASSERT_TRUE(requests().create({.name = name, .partitions = 2}).has_value());
  const auto session = open_session();
  EXPECT_EQ(session->topic(name)->spec.partitions, 2);
  EXPECT_TRUE(session->topics()->empty());
  EXPECT_TRUE(session->topic(name)->spec.base_schema.empty());
}

TEST_F(kafka_topics, that_somebody_has_deleted_are_listed_no_more) {
  const auto session = open_session();
  const auto kept = create(*session, "kept", 1);
  // In the catalog, and never made.
  ASSERT_TRUE(requests().append(wanted().catalog_topic, "topic/" + named("gone"), "").has_value());
  const auto all = session->topics();
  ASSERT_EQ(all->size(), 1u);
  EXPECT_EQ(all->front().spec.name, kept);
}

TEST_F(kafka_topics, keep_the_properties_that_nobody_names_and_say_which_change) {
  const auto session = open_session(recorded());
  const auto name = create(*session, "t", 1, {{"retention.ms", "60000"}, {"segment.ms", "70000"}});
  create(*session, "t", 1, {{"retention.ms", "80000"}});
  const auto properties = session->topic(name)->spec.properties;
  EXPECT_EQ(properties.at("retention.ms"), "80000");
  EXPECT_EQ(properties.at("segment.ms"), "70000");
  EXPECT_TRUE(log_->has("topic " + name + ": retention.ms is 60000, is set to 80000"));
  EXPECT_FALSE(log_->has("segment.ms"));
}

TEST_F(kafka_topics, with_a_property_that_the_brokers_do_not_know_are_refused_by_its_name) {
  const auto session = open_session();
  const auto refused =
      session->ensure_topic({.name = named("t"), .properties = {{"retention.day", "1"}}});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, errc::unsupported);
  EXPECT_THAT(refused.error().message, HasSubstr("retention.day"));
}

TEST_F(kafka_topics, of_another_number_of_partitions_are_told_with_what_to_do) {
  const auto session = open_session();
  const auto name = create(*session, "t", 3);
  const auto refused = session->ensure_topic({.name = name, .partitions = 4});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().message,
            "cluster \"default\" (" + shared_broker() + "): topic \"" + name +
                "\" exists with partitions: 3, wanted 4; name that number in the configuration, or "
                "use another topic");
}

TEST_F(kafka_topics, that_may_grow_get_the_partitions_they_lack_and_keep_those_they_have) {
  const auto session = open_session(recorded());
  const auto name = create(*session, "t", 1);
  ASSERT_TRUE(requests().append(name, "", "x").has_value());
  const auto grown = session->ensure_topic({.name = name, .partitions = 3, .may_grow = true});
  ASSERT_TRUE(grown.has_value()) << grown.error().message;
  ASSERT_EQ(grown->partitions.size(), 3u);
  EXPECT_EQ(grown->partitions[0].end, record_offset{1});
  EXPECT_TRUE(log_->has("topic " + name + ": has 3 partitions, had 1"));
  const auto refused = session->ensure_topic({.name = name, .partitions = 2, .may_grow = true});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, errc::topic_mismatch);
}

TEST_F(kafka_topics, with_more_copies_than_brokers_are_refused) {
  const auto session = open_session();
  const auto refused = session->ensure_topic({.name = named("t"), .replication = 3});
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, errc::unsupported);
  EXPECT_THAT(refused.error().message, HasSubstr("ask for no more copies than there are brokers"));
}

// -- catalog --------------------------------------------------------------------------------------

TEST_F(kafka_topics, have_a_catalog_in_which_sessions_find_what_others_have_stored) {
  const std::string fingerprint(32, '\x07');
  const auto one = open_session(), other = open_session();
  EXPECT_EQ(other->schemas().find(fingerprint).value(), std::nullopt);
  ASSERT_TRUE(one->schemas().put(fingerprint, "text").has_value());
  EXPECT_TRUE(eventually([&] {
    const auto found = other->schemas().find(fingerprint);
    EXPECT_TRUE(found.has_value()) << found.error().message;
    return !found || found.value() == "text";
  }));
}

TEST_F(kafka_topics, have_a_catalog_that_keeps_everything_whoever_has_made_it) {
  const auto by_others = requests();
  const auto catalog = wanted().catalog_topic;
  ASSERT_TRUE(by_others.create({.name = catalog, .partitions = 1}).has_value());
  const auto session = open_session(recorded());
  ASSERT_TRUE(session->schemas().put(std::string(32, '\x07'), "text").has_value());
  EXPECT_EQ(session->topic(catalog)->spec.properties.at("cleanup.policy"), "compact");
  EXPECT_TRUE(log_->has("topic " + catalog + ": cleanup.policy is delete, is set to compact"));
}

TEST_F(kafka_topics, have_a_catalog_that_a_person_can_read) {
  const auto session = open_session();
  const auto name = create(*session, "t", 1);
  ASSERT_TRUE(session->schemas().put(std::string(32, '\x07'), "text").has_value());
  std::vector<std::string> keys;
  const auto batch = session->read({wanted().catalog_topic, partition_id{0}}, record_offset{0}, {});
  for (const auto& record : batch->records()) keys.emplace_back(record.key);
  EXPECT_THAT(keys, testing::ElementsAre(
                        "topic/" + name,
                        "schema/0707070707070707070707070707070707070707070707070707070707070707"));
}

// -- properties -----------------------------------------------------------------------------------

TEST_F(kafka_topics, are_read_with_isolation_whatever_a_consumer_is_told) {
  auto all = recorded();
  all.consumer = {{"isolation.level", "read_uncommitted"}, {"enable.auto.commit", "true"}};
  all.connection.emplace("key.deserializer", "a.b.StringDeserializer");
  const auto session = open_session(all);
  const auto name = create(*session, "t", 1);
  for (int i = 0; i != 2; ++i) {
    const auto in = session->open_consumer({.group = named("g"), .topics = {name}, .on_ready = {}});
    ASSERT_TRUE(in.has_value()) << in.error().message;
  }
  const auto count = [&](std::string_view what) {
    int found = 0;
    const auto text = log_->text();
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++found;
    return found;
  };
  EXPECT_EQ(count("enable.auto.commit is ignored: Cloudflow decides on it by itself"), 1);
  EXPECT_EQ(count("isolation.level is ignored: Cloudflow decides on it by itself"), 1);
  EXPECT_EQ(count("only mean something to Kafka's Java client: key.deserializer"), 1);
}

}  // namespace
}  // namespace cloudflow::pubsub::kafka
