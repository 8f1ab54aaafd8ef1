#include "cloudflow/pubsub/conformance.hpp"

#include <gmock/gmock.h>

#include <algorithm>

namespace cloudflow::pubsub::conformance {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

const topic_partition t0{"t", partition_id{0}};
const topic_partition t1{"t", partition_id{1}};

std::optional<std::string> owned(std::string_view s) {
  if (s.data() == nullptr) return {};
  return std::string{s};
}

std::vector<std::string> numbered(int from, int to) {
  std::vector<std::string> all;
  for (; from != to; ++from) all.push_back(std::to_string(from));
  return all;
}

}  // namespace

plain_record plain(const record_view& record) {
  plain_record out{.key = owned(record.key),
                   .value = owned(record.value),
                   .headers = {},
                   .offset = record.offset.value()};
  for (const auto& header : record.headers) out.headers.emplace_back(header.name, header.value);
  return out;
}

std::vector<std::string> values_of(const std::vector<plain_record>& records) {
  std::vector<std::string> values;
  for (const auto& record : records) values.push_back(record.value.value_or("(none)"));
  return values;
}

// -- backend_conformance -----------------------------------------------------------------------------

void backend_conformance::SetUp() { environment_ = GetParam().make(); }

void backend_conformance::create(const std::string& topic, std::int32_t partitions,
                                 const std::map<std::string, std::string>& properties) {
  const auto made = log().ensure_topic(
      {.name = topic, .partitions = partitions, .properties = properties, .base_schema = {}});
  ASSERT_TRUE(made.has_value()) << made.error().message;
}

std::unique_ptr<producer> backend_conformance::open_producer(const std::string& id) {
  auto opened = log().open_producer({.transactional_id = id, .group = "g"});
  EXPECT_TRUE(opened.has_value()) << opened.error().message;
  return std::move(opened).value();
}

std::unique_ptr<consumer> backend_conformance::open_consumer(const std::string& group,
                                                             const std::vector<std::string>& topics,
                                                             consumer_options::start start) {
  auto opened =
      log().open_consumer({.group = group, .topics = topics, .start_at = start, .on_ready = {}});
  EXPECT_TRUE(opened.has_value()) << opened.error().message;
  return std::move(opened).value();
}

void backend_conformance::write(producer& to, const topic_partition& where,
                                const std::vector<std::string>& values) {
  record_buffer records;
  for (const auto& value : values) records.append({}, value);
  transaction changes;
  changes.outputs.push_back({where.topic, where.partition, &records});
  const auto done = to.commit(changes);
  ASSERT_TRUE(done.has_value()) << done.error().message;
}

void backend_conformance::commit_position(producer& by, const std::string& group,
                                          const topic_partition& source, std::int64_t next) {
  const auto split = split_of(source);
  const auto position = encode_offset(record_offset{next});
  transaction changes;
  changes.positions.push_back({group, split, position});
  const auto done = by.commit(changes);
  ASSERT_TRUE(done.has_value()) << done.error().message;
}

std::vector<plain_record> backend_conformance::read_all(const topic_partition& source,
                                                        std::int64_t from) {
  std::vector<plain_record> all;
  while (true) {
    const auto batch = log().read(source, record_offset{from}, {});
    EXPECT_TRUE(batch.has_value()) << batch.error().message;
    if (!batch || batch->empty()) return all;
    for (const auto& record : batch->records()) all.push_back(plain(record));
    from = all.back().offset + 1;
  }
}

std::vector<std::string> backend_conformance::take_all(consumer& from,
                                                       const topic_partition& source,
                                                       fetch_limits limits) {
  std::vector<std::string> values;
  while (true) {
    const auto batch = from.take(source, limits);
    EXPECT_TRUE(batch.has_value()) << batch.error().message;
    if (!batch || batch->empty()) return values;
    EXPECT_LE(batch->records().size(), limits.max_records);
    for (const auto& record : batch->records()) values.emplace_back(record.value);
  }
}

// -- topics ------------------------------------------------------------------------------------------

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

// -- records -----------------------------------------------------------------------------------------

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

TEST_P(backend_conformance, records_carry_the_time_of_their_append) {
  create("t");
  auto out = open_producer();
  write(*out, t0, {"a"});
  world().advance(milliseconds{5000});
  write(*out, t0, {"b"});
  auto batch = log().read(t0, record_offset{0}, {});
  ASSERT_TRUE(batch.has_value());
  ASSERT_EQ(batch->records().size(), 2u);
  EXPECT_EQ(batch->records()[1].time - batch->records()[0].time, milliseconds{5000});
}

TEST_P(backend_conformance, reading_starts_at_any_offset) {
  create("t");
  auto out = open_producer();
  write(*out, t0, numbered(0, 7));
  write(*out, t0, numbered(7, 10));
  for (const bool from_disk : {false, true}) {
    if (from_disk) world().reopen();
    for (int from = 0; from <= 10; ++from)
      EXPECT_EQ(values_of(read_all(t0, from)), numbered(from, 10)) << from;
  }
}

TEST_P(backend_conformance, a_read_keeps_to_its_limits) {
  create("t");
  write(*open_producer(), t0, numbered(0, 100));
  auto in = open_consumer("g", {"t"});
  ASSERT_FALSE(in->poll()->empty());
  for (const std::size_t size : {1u, 3u, 1024u}) {
    ASSERT_TRUE(in->seek(t0, record_offset{0}).has_value());
    EXPECT_EQ(take_all(*in, t0, {.max_records = size, .max_bytes = 1 << 20}), numbered(0, 100));
  }
  const auto some = log().read(t0, record_offset{10}, {.max_records = 100, .max_bytes = 7});
  ASSERT_TRUE(some.has_value());
  EXPECT_EQ(some->records().size(), 3u);  // two bytes each
}

TEST_P(backend_conformance, a_record_larger_than_the_limit_comes_alone) {
  create("t");
  write(*open_producer(), t0, {std::string(1000, 'x'), "y"});
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
  ASSERT_FALSE(in->poll()->empty());
  auto taken = in->take(t0, {});
  ASSERT_TRUE(taken.has_value());
  const record_batch kept = std::move(taken).value();
  for (int i = 0; i != 50; ++i) write(*out, t0, numbered(0, 50));
  in.reset();
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
  EXPECT_THAT(beyond.error().message, HasSubstr("5"));
  EXPECT_TRUE(log().read(t0, record_offset{5}, {})->empty());
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
  EXPECT_FALSE(refused.error().retriable);
  EXPECT_THAT(refused.error().message,
              testing::AllOf(HasSubstr("t"), HasSubstr("2000"), HasSubstr("1000")));
  EXPECT_THAT(read_all(t0), IsEmpty());
  write(*out, t0, {"the session goes on"});
}

// -- transactions ------------------------------------------------------------------------------------

TEST_P(backend_conformance, a_transaction_is_visible_whole) {
  if (!world().is_atomic()) GTEST_SKIP() << "this backend has no transactions";
  create("t", 2);
  auto out = open_producer();
  record_buffer a, b;
  a.append({}, "a");
  b.append({}, "b");
  const auto position = encode_offset(record_offset{0});
  transaction changes;
  changes.outputs.push_back({"t", partition_id{0}, &a});
  changes.outputs.push_back({"t", partition_id{1}, &b});
  changes.state.push_back({"s", partition_id{0}, "key", "value"});
  changes.positions.push_back({"g", "file:/x", "17"});
  ASSERT_TRUE(out->commit(changes).has_value());
  world().reopen();
  EXPECT_THAT(values_of(read_all(t0)), ElementsAre("a"));
  EXPECT_THAT(values_of(read_all(t1)), ElementsAre("b"));
  EXPECT_EQ(log().state().find("s", partition_id{0}, "key").value(), "value");
  EXPECT_EQ(log().position("g", "file:/x").value(), "17");
}

TEST_P(backend_conformance, nothing_of_a_refused_transaction_is_visible) {
  create("t", 1, {{"max.message.bytes", "1000"}});
  create("u");
  record_buffer good, bad;
  good.append({}, "good");
  bad.append({}, std::string(2000, 'x'));
  transaction changes;
  changes.outputs.push_back({"u", partition_id{0}, &good});
  changes.outputs.push_back({"t", partition_id{0}, &bad});
  changes.state.push_back({"s", partition_id{0}, "key", "value"});
  changes.positions.push_back({"g", "file:/x", "17"});
  EXPECT_FALSE(open_producer()->commit(changes).has_value());
  EXPECT_THAT(read_all({"u", partition_id{0}}), IsEmpty());
  EXPECT_EQ(log().state().find("s", partition_id{0}, "key").value(), std::nullopt);
  EXPECT_EQ(log().position("g", "file:/x").value(), std::nullopt);
}

TEST_P(backend_conformance, the_next_owner_of_a_transactional_id_fences_the_one_before) {
  create("t");
  auto first = open_producer("same");
  auto other = open_producer("other");
  write(*first, t0, {"1"});
  auto second = open_producer("same");
  record_buffer records;
  records.append({}, "late");
  transaction changes;
  changes.outputs.push_back({"t", partition_id{0}, &records});
  const auto refused = first->commit(changes);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, errc::fenced);
  EXPECT_TRUE(refused.error().fatal);
  write(*second, t0, {"2"});
  write(*other, t0, {"3"});
  EXPECT_THAT(values_of(read_all(t0)), ElementsAre("1", "2", "3"));
}

TEST_P(backend_conformance, an_empty_transaction_succeeds) {
  create("t");
  EXPECT_TRUE(open_producer()->commit({}).has_value());
  record_buffer none;
  transaction changes;
  changes.outputs.push_back({"t", partition_id{0}, &none});
  EXPECT_TRUE(open_producer()->commit(changes).has_value());
  EXPECT_THAT(read_all(t0), IsEmpty());
}

// -- consumers ---------------------------------------------------------------------------------------

TEST_P(backend_conformance, a_consumer_gets_its_partitions_once_and_follows) {
  create("t", 2);
  auto out = open_producer();
  write(*out, t0, {"1"});
  auto in = open_consumer("g", {"t"});
  const auto assigned = in->poll();
  ASSERT_TRUE(assigned.has_value());
  ASSERT_EQ(assigned->size(), 2u);
  EXPECT_EQ((*assigned)[0].what, assignment::kind::assigned);
  EXPECT_EQ((*assigned)[0].source, t0);
  EXPECT_EQ((*assigned)[0].next, record_offset{0});
  EXPECT_THAT(*in->poll(), IsEmpty());
  EXPECT_THAT(take_all(*in, t0), ElementsAre("1"));
  write(*out, t0, {"2"});
  write(*out, t1, {"3"});
  EXPECT_THAT(take_all(*in, t0), ElementsAre("2"));
  EXPECT_THAT(take_all(*in, t1), ElementsAre("3"));
}

TEST_P(backend_conformance, a_group_goes_on_where_it_has_committed) {
  create("t");
  auto out = open_producer();
  write(*out, t0, numbered(0, 10));
  commit_position(*out, "g", t0, 4);
  for (const auto start : {consumer_options::start::earliest, consumer_options::start::latest}) {
    auto in = open_consumer("g", {"t"}, start);
    ASSERT_EQ(in->poll()->at(0).next, record_offset{4});
    EXPECT_EQ(take_all(*in, t0), numbered(4, 10));
  }
  out.reset();
  world().reopen();
  EXPECT_EQ(open_consumer("g", {"t"})->poll()->at(0).next, record_offset{4});
  EXPECT_EQ(open_consumer("other", {"t"})->poll()->at(0).next, record_offset{0});
}

TEST_P(backend_conformance, latest_is_the_end_for_a_group_without_position) {
  create("t");
  auto out = open_producer();
  write(*out, t0, numbered(0, 10));
  auto in = open_consumer("g", {"t"}, consumer_options::start::latest);
  EXPECT_EQ(in->poll()->at(0).next, record_offset{10});
  write(*out, t0, {"new"});
  EXPECT_THAT(take_all(*in, t0), ElementsAre("new"));
}

TEST_P(backend_conformance, seek_replays) {
  create("t");
  write(*open_producer(), t0, numbered(0, 10));
  auto in = open_consumer("g", {"t"});
  ASSERT_FALSE(in->poll()->empty());
  EXPECT_EQ(take_all(*in, t0), numbered(0, 10));
  ASSERT_TRUE(in->seek(t0, record_offset{3}).has_value());
  EXPECT_EQ(take_all(*in, t0), numbered(3, 10));
}

TEST_P(backend_conformance, end_offset_is_one_behind_the_newest_record) {
  create("t");
  auto out = open_producer();
  auto in = open_consumer("g", {"t"});
  ASSERT_FALSE(in->poll()->empty());
  EXPECT_EQ(in->end_offset(t0).value(), record_offset{0});
  write(*out, t0, numbered(0, 10));
  EXPECT_EQ(in->end_offset(t0).value(), record_offset{10});
}

TEST_P(backend_conformance, a_released_partition_cannot_be_taken_from) {
  create("t", 2);
  write(*open_producer(), t0, {"1"});
  auto in = open_consumer("g", {"t"});
  ASSERT_FALSE(in->poll()->empty());
  in->release(t0);
  EXPECT_FALSE(in->take(t0, {}).has_value());
  EXPECT_TRUE(in->take(t1, {}).has_value());
}

TEST_P(backend_conformance, positions_of_other_sources_are_bytes) {
  create("t");
  auto out = open_producer();
  const std::string odd("\0\xff x", 4);
  transaction changes;
  changes.positions.push_back({"g", "file:/var/log/a", odd});
  ASSERT_TRUE(out->commit(changes).has_value());
  EXPECT_EQ(log().position("g", "file:/var/log/a").value(), odd);
  EXPECT_EQ(log().position("g", "file:/var/log").value(), std::nullopt);
  EXPECT_EQ(log().position("h", "file:/var/log/a").value(), std::nullopt);
}

// -- retention ---------------------------------------------------------------------------------------

TEST_P(backend_conformance, old_records_go_when_their_time_is_over) {
  create("t", 1, {{"retention.ms", "60000"}});
  auto out = open_producer();
  write(*out, t0, {"old"});
  world().advance(milliseconds{40000});
  write(*out, t0, {"young"});
  world().advance(milliseconds{30000});
  if (!world().apply_retention()) GTEST_SKIP() << "retention cannot be had at will";
  const auto range = log().topic("t")->partitions.at(0);
  EXPECT_EQ(range.first, record_offset{1});
  EXPECT_EQ(range.end, record_offset{2});
  EXPECT_EQ(log().read(t0, record_offset{0}, {}).error().code, errc::offset_out_of_range);
  EXPECT_THAT(values_of(read_all(t0, 1)), ElementsAre("young"));
}

TEST_P(backend_conformance, offsets_go_on_when_all_records_have_gone) {
  create("t", 1, {{"retention.ms", "60000"}});
  write(*open_producer(), t0, numbered(0, 10));
  world().advance(milliseconds{70000});
  if (!world().apply_retention()) GTEST_SKIP() << "retention cannot be had at will";
  world().reopen();
  EXPECT_EQ(log().topic("t")->partitions.at(0).first, record_offset{10});
  write(*open_producer(), t0, {"next"});
  EXPECT_THAT(read_all(t0, 10), ElementsAre(plain_record{{}, "next", {}, 10}));
}

// -- state -------------------------------------------------------------------------------------------

TEST_P(backend_conformance, state_is_kept_by_store_partition_and_key) {
  create("t", 2);
  auto out = open_producer();
  transaction changes;
  changes.state.push_back({"s", partition_id{0}, "k", "1"});
  changes.state.push_back({"s", partition_id{1}, "k", "2"});
  changes.state.push_back({"s2", partition_id{0}, "k", "3"});
  changes.state.push_back({"s", partition_id{0}, "", "empty key"});
  changes.state.push_back({"s", partition_id{0}, "k2", ""});
  ASSERT_TRUE(out->commit(changes).has_value());
  world().reopen();
  EXPECT_EQ(log().state().find("s", partition_id{0}, "k").value(), "1");
  EXPECT_EQ(log().state().find("s", partition_id{1}, "k").value(), "2");
  EXPECT_EQ(log().state().find("s2", partition_id{0}, "k").value(), "3");
  EXPECT_EQ(log().state().find("s", partition_id{0}, "").value(), "empty key");
  EXPECT_EQ(log().state().find("s", partition_id{0}, "k2").value(), "");
  EXPECT_EQ(log().state().find("s", partition_id{0}, "k3").value(), std::nullopt);
}

TEST_P(backend_conformance, the_last_change_of_a_key_wins) {
  create("t");
  auto out = open_producer();
  transaction changes;
  changes.state.push_back({"s", partition_id{0}, "a", "1"});
  changes.state.push_back({"s", partition_id{0}, "b", "1"});
  changes.state.push_back({"s", partition_id{0}, "a", "2"});
  changes.state.push_back({"s", partition_id{0}, "b", std::nullopt});
  ASSERT_TRUE(out->commit(changes).has_value());
  EXPECT_EQ(log().state().find("s", partition_id{0}, "a").value(), "2");
  EXPECT_EQ(log().state().find("s", partition_id{0}, "b").value(), std::nullopt);
}

TEST_P(backend_conformance, a_scan_goes_through_the_keys_of_a_prefix_in_order) {
  create("t", 2);
  auto out = open_producer();
  transaction changes;
  for (const std::string_view key : {"b", "a2", "a", "a\xff", "a10", "B"})
    changes.state.push_back({"s", partition_id{0}, key, key});
  changes.state.push_back({"s", partition_id{1}, "a3", "other partition"});
  changes.state.push_back({"r", partition_id{0}, "a4", "other store"});
  ASSERT_TRUE(out->commit(changes).has_value());
  std::vector<std::string> keys;
  const auto visit = [&](std::string_view key, std::string_view value) {
    EXPECT_EQ(key, value);
    keys.emplace_back(key);
    return keys.size() != 4;
  };
  ASSERT_TRUE(log().state().scan("s", partition_id{0}, "a", visit).has_value());
  EXPECT_THAT(keys, ElementsAre("a", "a10", "a2", "a\xff"));
  keys.clear();
  ASSERT_TRUE(log().state().scan("s", partition_id{0}, "", visit).has_value());
  EXPECT_THAT(keys, ElementsAre("B", "a", "a10", "a2"));
}

// -- schemas -----------------------------------------------------------------------------------------

TEST_P(backend_conformance, a_schema_is_found_by_the_first_bytes_of_its_fingerprint) {
  std::string fingerprint(32, 'f');
  fingerprint[7] = '\0';
  ASSERT_TRUE(log().schemas().put(fingerprint, "text").has_value());
  ASSERT_TRUE(log().schemas().put(fingerprint, "text").has_value());
  world().reopen();
  EXPECT_EQ(log().schemas().find(fingerprint).value(), "text");
  EXPECT_EQ(log().schemas().find(fingerprint.substr(0, 8)).value(), "text");
  EXPECT_EQ(log().schemas().find(std::string(8, 'f')).value(), std::nullopt);
}

}  // namespace cloudflow::pubsub::conformance
