#include "cloudflow/application/store_registry.hpp"

#include "cloudflow/pubsub/embedded/log.hpp"
#include "cloudflow/pubsub/embedded/simulated_disk.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cloudflow::app {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const store_spec counts{.name = "stats.counts",
                        .key_schema = "string",
                        .value_schema = "v1",
                        .window = "tumbling 2m",
                        .partitions = 3};

result<void> never(const std::string& writer, const std::string& reader) {
  return error{writer + " cannot be read as " + reader};
}
result<void> always(const std::string&, const std::string&) { return {}; }

class stores : public testing::Test {
protected:
  stores() { reopen(); }
  void reopen() {
    writer_.reset();
    log_.reset();
    log_ = pubsub::embedded::open({.directory = "/log", .file_system = disk_.file_system()}, clock_)
               .value();
    writer_ = log_->open_producer({.transactional_id = "test"}).value();
  }
  result<registered_store> open(const store_spec& wanted, const can_read& check = never) {
    return open_store(*log_, *writer_, wanted, check);
  }

  pubsub::embedded::simulated_disk disk_{1};
  virtual_clock clock_;
  std::unique_ptr<pubsub::embedded::log> log_;
  std::unique_ptr<pubsub::producer> writer_;
};

TEST_F(stores, a_new_store_is_recorded_and_found_again) {
  const auto made = open(counts);
  ASSERT_TRUE(made.has_value());
  EXPECT_EQ(made->spec, counts);
  EXPECT_THAT(made->value_schemas, ElementsAre("v1"));
  reopen();
  EXPECT_EQ(open(counts).value(), *made);
  EXPECT_EQ(find_store(*log_, "stats.counts").value(), *made);
  EXPECT_EQ(find_store(*log_, "stats").value(), std::nullopt);
}

TEST_F(stores, another_store_is_refused_with_each_difference_and_what_to_do) {
  ASSERT_TRUE(open(counts).has_value());
  const store_spec other{.name = "stats.counts",
                         .key_schema = "long",
                         .value_schema = "v2",
                         .window = "",
                         .partitions = 4};
  const auto refused = open(other);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(
      refused.error().message,
      "State store stats.counts holds something else than is wanted:\n"
      "  key schema: recorded \"string\", wanted \"long\"\n"
      "  window: recorded \"tumbling 2m\", wanted none\n"
      "  partitions: recorded 3, wanted 4\n"
      "  value schema: recorded \"v1\", wanted \"v2\"\n"
      "    v1 cannot be read as v2\n"
      "  Reset its state (run --fresh forgets everything), or give the new state another name.");
  EXPECT_EQ(find_store(*log_, "stats.counts").value()->spec, counts) << "it stays as it was";
}

TEST_F(stores, a_value_schema_that_can_read_the_recorded_ones_joins_them) {
  ASSERT_TRUE(open(counts).has_value());
  auto wanted = counts;
  wanted.value_schema = "v2";
  const auto second = open(wanted, always);
  ASSERT_TRUE(second.has_value());
  EXPECT_THAT(second->value_schemas, ElementsAre("v1", "v2"));
  EXPECT_EQ(second->current, 1u);
  reopen();
  EXPECT_EQ(open(wanted).value(), *second);
}

TEST_F(stores, every_schema_that_was_ever_used_has_to_be_readable) {
  auto wanted = counts;
  for (const char* schema : {"v1", "v2"}) {
    wanted.value_schema = schema;
    ASSERT_TRUE(open(wanted, always).has_value());
  }
  wanted.value_schema = "v3";
  const auto refused = open(wanted, [](const std::string& writer, const std::string& reader) {
    return writer == "v1" ? never(writer, reader) : always(writer, reader);
  });
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().message,
              AllOf(HasSubstr("v1 cannot be read as v3"), Not(HasSubstr("v2"))));
}

TEST_F(stores, an_older_program_that_can_read_the_newer_values_keeps_its_schema) {
  auto wanted = counts;
  wanted.value_schema = "v2";
  ASSERT_TRUE(open(counts).has_value());
  ASSERT_TRUE(open(wanted, always).has_value());
  const auto back = open(counts, always);
  ASSERT_TRUE(back.has_value());
  EXPECT_THAT(back->value_schemas, ElementsAre("v1", "v2"));
  EXPECT_EQ(back->current, 0u);
  EXPECT_FALSE(open(wanted, never).has_value());
}

TEST_F(stores, a_reset_store_is_empty_and_can_be_another) {
  ASSERT_TRUE(open(counts).has_value());
  pubsub::transaction changes;
  for (std::int32_t i = 0; i != counts.partitions; ++i)
    changes.state.push_back({counts.name, partition_id{i}, "key", "value"});
  changes.state.push_back({"stats.other", partition_id{0}, "key", "value"});
  ASSERT_TRUE(writer_->commit(changes).has_value());
  ASSERT_TRUE(reset_store(*log_, *writer_, counts.name, 1).has_value());
  for (std::int32_t i = 0; i != counts.partitions; ++i)
    EXPECT_EQ(log_->state().find(counts.name, partition_id{i}, "key").value(), std::nullopt);
  EXPECT_EQ(log_->state().find("stats.other", partition_id{0}, "key").value(), "value");
  auto other = counts;
  other.key_schema = "long";
  EXPECT_TRUE(open(other).has_value());
}

TEST_F(stores, a_store_is_reset_whatever_is_recorded_about_it) {
  for (const char* recorded : {"\x02 older", "\x7f newer", "\xff", ""}) {
    pubsub::transaction changes;
    changes.state.push_back({counts.name, partition_id{2}, "key", "value"});
    if (*recorded != '\0')
      changes.state.push_back({pubsub::registry_store, partition_id{0}, counts.name, recorded});
    ASSERT_TRUE(writer_->commit(changes));
    const auto done = reset_store(*log_, *writer_, counts.name, 3);
    ASSERT_TRUE(done) << recorded << done.error().message;
    EXPECT_EQ(log_->state().find(counts.name, partition_id{2}, "key").value(), std::nullopt);
    EXPECT_EQ(find_store(*log_, counts.name).value(), std::nullopt);
  }
}

TEST_F(stores, a_record_of_an_older_program_is_refused_and_says_what_to_do) {
  pubsub::transaction changes;
  changes.state.push_back({pubsub::registry_store, partition_id{0}, counts.name, "\x02 older"});
  ASSERT_TRUE(writer_->commit(changes).has_value());
  const auto refused = open(counts);
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().message,
              AllOf(HasSubstr("stats.counts"), HasSubstr("older program"), HasSubstr("--fresh")));
}

TEST_F(stores, more_schemas_than_have_a_number_are_refused) {
  auto wanted = counts;
  for (int n = 0; n != 256; ++n) {
    wanted.value_schema = "v" + std::to_string(n);
    ASSERT_TRUE(open(wanted, always).has_value()) << n;
  }
  wanted.value_schema = "one more";
  const auto refused = open(wanted, always);
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().message, HasSubstr("256"));
  wanted.value_schema = "v7";
  EXPECT_EQ(open(wanted, always)->current, 7U);
}

TEST_F(stores, a_record_that_is_not_understood_is_an_error) {
  pubsub::transaction changes;
  changes.state.push_back({pubsub::registry_store, partition_id{0}, counts.name, "\x7f newer"});
  ASSERT_TRUE(writer_->commit(changes).has_value());
  const auto refused = open(counts);
  ASSERT_FALSE(refused.has_value());
  EXPECT_THAT(refused.error().message, HasSubstr("stats.counts"));
}

}  // namespace
}  // namespace cloudflow::app
