#include "cloudflow/pubsub/conformance.hpp"

#include "cloudflow/pubsub/record_limit.hpp"

#include <gmock/gmock.h>

namespace cloudflow::pubsub::conformance {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// -- topics ---------------------------------------------------------------------------------------

TEST_P(backend_conformance, a_created_topic_is_what_was_asked_for) {
  create("t", 3, {{"retention.ms", "60000"}});
  const auto info = log().topic("t");
  ASSERT_TRUE(info.has_value());
  EXPECT_EQ(info->spec.name, "t");
  EXPECT_EQ(info->spec.partitions, 3);
  EXPECT_EQ(info->partitions.size(), 3u);
  EXPECT_EQ(info->spec.properties.at("retention.ms"), "60000");
}

TEST_P(backend_conformance, topics_are_listed_and_survive_a_restart) {
  create("b");
  create("a", 2);
  world().reopen();
  const auto all = log().topics();
  ASSERT_TRUE(all.has_value());
  std::vector<std::string> names;
  for (const auto& info : *all) names.push_back(info.spec.name);
  EXPECT_THAT(names, testing::IsSupersetOf({"a", "b"}));
}

TEST_P(backend_conformance, a_topic_with_other_partitions_is_refused_with_both_numbers) {
  create("t", 3);
  const auto again =
      log().ensure_topic({.name = "t", .partitions = 4, .properties = {}, .base_schema = {}});
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().code, errc::topic_mismatch);
  EXPECT_THAT(again.error().message, HasSubstr("3"));
  EXPECT_THAT(again.error().message, HasSubstr("4"));
}

TEST_P(backend_conformance, a_topic_keeps_its_base_schema) {
  const std::string one(32, '\x01'), other(32, '\x02');
  topic_spec spec{.name = "t", .partitions = 1, .properties = {}, .base_schema = one};
  ASSERT_TRUE(log().ensure_topic(spec).has_value());
  spec.base_schema = other;
  const auto refused = log().ensure_topic(spec);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, errc::topic_mismatch);
  spec.base_schema.clear();
  ASSERT_TRUE(log().ensure_topic(spec).has_value());
  EXPECT_EQ(log().topic("t")->spec.base_schema, one);
}

TEST_P(backend_conformance, a_base_schema_that_becomes_known_is_recorded) {
  create("t");
  topic_spec spec{
      .name = "t", .partitions = 1, .properties = {}, .base_schema = std::string(32, '\x03')};
  ASSERT_TRUE(log().ensure_topic(spec).has_value());
  world().reopen();
  EXPECT_EQ(log().topic("t")->spec.base_schema, spec.base_schema);
}

TEST_P(backend_conformance, changed_properties_are_applied) {
  create("t", 1, {{"retention.ms", "1000"}});
  create("t", 1, {{"retention.ms", "2000"}});
  world().reopen();
  EXPECT_EQ(log().topic("t")->spec.properties.at("retention.ms"), "2000");
}

TEST_P(backend_conformance, names_that_are_none_are_refused) {
  for (const std::string name : {"", ".", "..", "a b", "a/b", "\xc3\xa4"})
    EXPECT_FALSE(
        log()
            .ensure_topic({.name = name, .partitions = 1, .properties = {}, .base_schema = {}})
            .has_value())
        << name;
  create(std::string(249, 'x'));
  EXPECT_FALSE(
      log()
          .ensure_topic(
              {.name = std::string(250, 'x'), .partitions = 1, .properties = {}, .base_schema = {}})
          .has_value());
}

TEST_P(backend_conformance, what_is_not_there_is_topic_not_found) {
  EXPECT_EQ(log().topic("none").error().code, errc::topic_not_found);
  EXPECT_EQ(log().read({"none", partition_id{0}}, record_offset{0}, {}).error().code,
            errc::topic_not_found);
  const auto opened =
      log().open_consumer({.group = "g", .topics = {"none"}, .start_at = {}, .on_ready = {}});
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().code, errc::topic_not_found);
  EXPECT_THAT(opened.error().message, HasSubstr("none"));
}

TEST_P(backend_conformance, an_output_to_a_partition_that_is_not_there_fails_the_transaction) {
  create("t", 1);
  auto out = open_producer();
  record_buffer good, bad;
  good.append({}, "good");
  bad.append({}, "bad");
  transaction changes;
  changes.outputs.push_back({"t", partition_id{0}, &good});
  changes.outputs.push_back({"t", partition_id{1}, &bad});
  EXPECT_EQ(out->commit(changes).error().code, errc::topic_not_found);
  EXPECT_THAT(read_all(t0), IsEmpty());
}

// -- records --------------------------------------------------------------------------------------

TEST_P(backend_conformance, keys_values_and_headers_come_back_as_written) {
  create("t");
  record_buffer records;
  records.append("key", "value");
  records.add_header("h", "1");
  records.add_header("h", "2");
  records.append({}, "no key");
  records.append("", "");
  records.append("deleted", {});
  records.append("k", "v");
  records.add_header("empty", "");
  transaction changes;
  changes.outputs.push_back({"t", partition_id{0}, &records});
  ASSERT_TRUE(open_producer()->commit(changes).has_value());
  world().reopen();
  EXPECT_THAT(
      read_all(t0),
      ElementsAre(plain_record{"key", "value", {{"h", "1"}, {"h", "2"}}, 0},
                  plain_record{{}, "no key", {}, 1}, plain_record{"", "", {}, 2},
                  plain_record{"deleted", {}, {}, 3}, plain_record{"k", "v", {{"empty", ""}}, 4}));
}

TEST_P(backend_conformance, each_partition_keeps_the_order_of_its_records) {
  create("t", 2);
  auto out = open_producer();
  for (int i = 0; i != 20; ++i) write(*out, i % 2 == 0 ? t0 : t1, numbered(i * 10, i * 10 + 10));
  std::vector<std::string> even, odd;
  for (int i = 0; i != 20; ++i)
    for (const auto& text : numbered(i * 10, i * 10 + 10))
      (i % 2 == 0 ? even : odd).push_back(text);
  EXPECT_EQ(values_of(read_all(t0)), even);
  EXPECT_EQ(values_of(read_all(t1)), odd);
}

TEST_P(backend_conformance, outputs_to_the_same_partition_keep_their_order) {
  create("t");
  record_buffer first, second;
  first.append({}, "1");
  second.append({}, "2");
  transaction changes;
  changes.outputs.push_back({"t", partition_id{0}, &first});
  changes.outputs.push_back({"t", partition_id{0}, &second});
  changes.outputs.push_back({"t", partition_id{0}, &first});
  ASSERT_TRUE(open_producer()->commit(changes).has_value());
  EXPECT_THAT(values_of(read_all(t0)), ElementsAre("1", "2", "1"));
}

TEST_P(backend_conformance, records_are_found_by_the_time_of_their_append) {
  create("t", 2);
  auto out = open_producer();
  for (int from = 0; from != 40; from += 10) write(*out, t0, numbered(from, from + 10));
  world().settle(t0);
  const auto batch = log().read(t0, record_offset{0}, {});
  ASSERT_TRUE(batch.has_value());
  const auto& first = batch->records().front();
  EXPECT_EQ(log().offset_at(t0, first.time).value(), first.offset);
  EXPECT_EQ(log().offset_at(t0, timestamp{}).value(), first.offset);
  EXPECT_EQ(log().offset_at(t0, batch->records().back().time + std::chrono::hours{1}).value(),
            end_of(t0));
  EXPECT_EQ(log().offset_at(t1, first.time).value(), record_offset{0});
  EXPECT_EQ(log().offset_at({"none", partition_id{0}}, first.time).error().code,
            errc::topic_not_found);
}

TEST_P(backend_conformance, reading_starts_at_any_offset) {
  create("t");
  auto out = open_producer();
  write(*out, t0, numbered(0, 7));
  write(*out, t0, numbered(7, 10));
  const auto all = read_all(t0);
  EXPECT_EQ(values_of(all), numbered(0, 10));
  for (const bool from_disk : {false, true}) {
    if (from_disk) world().reopen();
    for (std::size_t i = 0; i != all.size(); ++i)
      EXPECT_EQ(values_of(read_all(t0, all[i].offset)), numbered(static_cast<int>(i), 10));
    EXPECT_THAT(read_all(t0, end_of(t0).value()), IsEmpty());
  }
}

TEST_P(backend_conformance, a_read_keeps_to_its_limits) {
  create("t");
  write(*open_producer(), t0, numbered(0, 100));
  auto in = open_consumer("g", {"t"});
  in.assigned();
  for (const std::size_t size : {1u, 3u, 1024u}) {
    in.seek(t0, record_offset{0});
    EXPECT_EQ(in.take_all(t0, {.max_records = size, .max_bytes = 1 << 20}), numbered(0, 100));
  }
  world().settle(t0);
  const auto some = log().read(t0, record_offset{10}, {.max_records = 100, .max_bytes = 7});
  ASSERT_TRUE(some.has_value());
  EXPECT_EQ(some->records().size(), 3u);  // two bytes each
}

TEST_P(backend_conformance, a_record_larger_than_the_limit_comes_alone) {
  create("t");
  write(*open_producer(), t0, {std::string(1000, 'x'), "y"});
  world().settle(t0);
  const auto one = log().read(t0, record_offset{0}, {.max_records = 10, .max_bytes = 10});
  ASSERT_TRUE(one.has_value());
  ASSERT_EQ(one->records().size(), 1u);
  EXPECT_EQ(one->records()[0].value.size(), 1000u);
}

TEST_P(backend_conformance, a_batch_stays_valid_when_the_log_goes_on) {
  create("t");
  auto out = open_producer();
  write(*out, t0, numbered(0, 50));
  auto in = open_consumer("g", {"t"});
  in.assigned();
  const record_batch kept = in.fetch(t0);
  for (int i = 0; i != 50; ++i) write(*out, t0, numbered(0, 50));
  in.close();
  std::vector<std::string> values;
  for (const auto& record : kept.records()) values.emplace_back(record.value);
  EXPECT_EQ(values, numbered(0, 50));
}

TEST_P(backend_conformance, an_offset_out_of_range_names_what_there_is) {
  create("t");
  write(*open_producer(), t0, numbered(0, 5));
  const auto beyond = log().read(t0, record_offset{17}, {});
  ASSERT_FALSE(beyond.has_value());
  EXPECT_EQ(beyond.error().code, errc::offset_out_of_range);
  EXPECT_THAT(beyond.error().message, HasSubstr("17"));
  EXPECT_THAT(beyond.error().message, HasSubstr(std::to_string(end_of(t0).value())));
  EXPECT_TRUE(log().read(t0, end_of(t0), {})->empty());
}

TEST_P(backend_conformance, a_record_that_is_too_large_names_topic_size_and_limit) {
  create("t", 1, {{"max.message.bytes", "1000"}});
  auto out = open_producer();
  record_buffer records;
  records.append({}, "small");
  records.append({}, std::string(2000, 'x'));
  transaction changes;
  changes.outputs.push_back({"t", partition_id{0}, &records});
  const auto refused = out->commit(changes);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, errc::record_too_large);
  EXPECT_FALSE(refused.error().is_retriable());
  EXPECT_THAT(refused.error().message,
              testing::AllOf(HasSubstr("t"), HasSubstr("2000"), HasSubstr("1000")));
  EXPECT_THAT(read_all(t0), IsEmpty());
  write(*out, t0, {"the session goes on"});
}

TEST_P(backend_conformance, a_topic_says_how_large_its_records_may_be_also_by_default) {
  create("t", 1);
  auto out = open_producer();
  const auto limit = record_limit_of(log().topic("t")->spec);
  ASSERT_LT(limit, std::size_t{2} << 20);
  const auto commit = [&](std::size_t size) {
    record_buffer records;
    records.append({}, std::string(size, 'x'));
    transaction changes;
    changes.outputs.push_back({"t", partition_id{0}, &records});
    return out->commit(changes);
  };
  const auto refused = commit(limit + limit);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, errc::record_too_large);
  const auto taken = commit(limit);
  EXPECT_TRUE(taken.has_value()) << taken.error().message;
}

}  // namespace cloudflow::pubsub::conformance
