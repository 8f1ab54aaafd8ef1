#include "cloudflow/application/provision.hpp"

#include "cloudflow/base/time.hpp"
#include "cloudflow/pubsub/embedded/log.hpp"
#include "cloudflow/pubsub/embedded/simulated_disk.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace cloudflow::app {
namespace {

using testing::HasSubstr;

const blueprint::schema_descriptor text{"Text", "\"string\"", "", "avro"};
const blueprint::schema_descriptor number{"Number", "\"long\"", "", "avro"};

/// lines/2 (of others) -> parser -> words/3, with dead letters and retries.
blueprint::plan parser_plan() {
  blueprint::plan p{.app_id = "app"};
  p.topics = {{.id = "lines", .name = "lines", .is_managed = false, .partitions = 2},
              {.id = "words", .name = "words", .partitions = 3, .schema = text},
              {.id = "app.parser.in.dead-letter", .name = "app.parser.in.dead-letter"},
              {.id = "app.parser.in.retry",
               .name = "app.parser.in.retry",
               .partitions = 2,
               .schema = text,
               .retries_of = 0}};
  p.topics[1].properties["max.message.bytes"] = "1128";
  p.streamlets.push_back(
      {.name = "parser",
       .inlets =
           {{.name = "in", .topic = 0, .schema = text, .dead_letter_topic = 2, .retry_topic = 3}},
       .outlets = {{.name = "out", .topic = 1, .schema = number}}});
  return p;
}

class provisioning_a_log : public testing::Test {
protected:
  provisioning_a_log() {
    auto opened =
        pubsub::embedded::open({.directory = "/log", .file_system = disk_.file_system()}, clock_);
    EXPECT_TRUE(opened) << opened.error().message;
    log = std::move(opened).value();
  }
  void others_make_lines(std::int32_t partitions) {
    ASSERT_TRUE(log->ensure_topic({.name = "lines", .partitions = partitions}));
  }
  std::string refusal(provision_mode mode = provision_mode::make) {
    const auto facts = provision(plan, *log, mode);
    return facts ? "" : facts.error().message;
  }
  std::size_t record_limit_of(const std::string& topic) const {
    return *fact_of(*log->topic(topic)).record_limit;
  }

private:
  virtual_clock clock_;
  pubsub::embedded::simulated_disk disk_{1};

protected:
  blueprint::plan plan = parser_plan();
  std::unique_ptr<pubsub::embedded::log> log;
};

TEST_F(provisioning_a_log, makes_what_is_managed_and_tells_what_is_there) {
  others_make_lines(5);
  const auto facts = provision(plan, *log);
  ASSERT_TRUE(facts) << facts.error().message;
  ASSERT_EQ(facts->topics.size(), 4u);
  EXPECT_EQ(facts->topics[0].partitions, 5);
  EXPECT_EQ(facts->topics[0].base_schema, "");
  EXPECT_EQ(facts->topics[1].name, "words");
  EXPECT_EQ(facts->topics[1].partitions, 3);
  EXPECT_EQ(facts->topics[1].base_schema.size(), 32u);
  EXPECT_EQ(facts->topics[1].record_limit, 1000u);
  EXPECT_GT(facts->topics[2].record_limit, facts->topics[0].record_limit);
  // What is retried comes in the partition that it was in.
  EXPECT_EQ(facts->topics[3].partitions, 5);
}

TEST_F(provisioning_a_log, again_changes_nothing_and_tells_the_same) {
  others_make_lines(2);
  const auto first = provision(plan, *log);
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(provision(plan, *log).value(), *first);
  EXPECT_EQ(provision(plan, *log, provision_mode::compare_only).value(), *first);
}

TEST_F(provisioning_a_log, needs_the_topics_that_others_manage) {
  EXPECT_THAT(refusal(), HasSubstr("topic lines: "));
}

TEST_F(provisioning_a_log, refuses_a_topic_with_other_partitions) {
  others_make_lines(2);
  ASSERT_EQ(refusal(), "");
  plan.topics[1].partitions = 4;
  EXPECT_THAT(refusal(), HasSubstr("topic words: "));
  EXPECT_EQ(refusal(provision_mode::compare_only),
            "topic words: it has 3 partitions, but the plan says 4.");
}

TEST_F(provisioning_a_log, stores_the_schemas_of_all_ports_and_topics) {
  others_make_lines(2);
  ASSERT_EQ(refusal(), "");
  plan.streamlets[0].outlets[0].schema.schema = "\"int\"";
  EXPECT_EQ(refusal(provision_mode::compare_only),
            "streamlet parser: port out: its schema is not stored in the log. Whoever deploys the "
            "application stores it.");
  EXPECT_EQ(refusal(), "");
  EXPECT_EQ(refusal(provision_mode::compare_only), "");
}

TEST_F(provisioning_a_log, only_compared_makes_nothing) {
  others_make_lines(2);
  EXPECT_THAT(refusal(provision_mode::compare_only), HasSubstr("topic words: "));
  EXPECT_THAT(refusal(provision_mode::compare_only), HasSubstr("Whoever deploys"));
  EXPECT_EQ(log->topics().value().size(), 1u);
}

TEST_F(provisioning_a_log, takes_the_configured_schema_of_a_topic_of_others_for_its_base) {
  others_make_lines(2);
  plan.topics[0].base_schema = "\"string\"";
  const auto facts = provision(plan, *log);
  ASSERT_TRUE(facts) << facts.error().message;
  EXPECT_EQ(facts->topics[0].base_schema, facts->topics[1].base_schema);
}

TEST(topic_facts, read_back_equal_from_json) {
  const topic_facts facts{{{.name = "a", .partitions = 3, .is_empty = true},
                           {.name = "b",
                            .partitions = 1,
                            .base_schema = std::string("\0\xff\x10z", 4),
                            .record_limit = 1000}}};
  const auto read = topic_facts_from_json(to_json(facts));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, facts);
}

TEST(topic_facts, that_are_none_are_refused) {
  const auto refused = [](std::string_view json) {
    return topic_facts_from_json(json).error().message;
  };
  EXPECT_THAT(refused("{"), HasSubstr("no JSON"));
  EXPECT_THAT(refused("[]"), HasSubstr("an array `topics`"));
  EXPECT_THAT(refused(R"({"topics": [{"name": "a", "partitions": 1}, {"name": "b"}]})"),
              HasSubstr("topics[1]"));
  EXPECT_THAT(refused(R"({"topics": [{"name": "a", "partitions": 1, "base-schema": "xy"}]})"),
              HasSubstr("topics[0]"));
}

TEST_F(provisioning_a_log,
       makes_topics_that_hold_every_record_of_theirs_with_the_headers_of_a_dead_letter) {
  constexpr std::size_t headers = 1024 + 8 * 1024;  // ours, and a long reason
  others_make_lines(2);
  ASSERT_EQ(refusal(), "");
  for (const std::string kept : {"app.parser.in.dead-letter", "app.parser.in.retry"})
    EXPECT_GE(record_limit_of(kept), record_limit_of("lines") + headers) << kept;
}

TEST_F(provisioning_a_log, leaves_a_topic_that_is_there_the_limit_that_it_has) {
  others_make_lines(2);
  const std::string kept = "app.parser.in.dead-letter";
  ASSERT_TRUE(log->ensure_topic({.name = kept, .properties = {{"max.message.bytes", "7000"}}}));
  ASSERT_EQ(refusal(), "");
  EXPECT_EQ(log->topic(kept)->spec.properties.at("max.message.bytes"), "7000");
}

TEST_F(provisioning_a_log, leaves_a_limit_that_is_configured_as_it_is) {
  others_make_lines(2);
  plan.topics[2].properties["max.message.bytes"] = "5000";
  ASSERT_EQ(refusal(), "");
  EXPECT_LT(record_limit_of("app.parser.in.dead-letter"), std::size_t{5001});
}

}  // namespace
}  // namespace cloudflow::app
