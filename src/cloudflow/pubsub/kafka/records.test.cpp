#include "cloudflow/pubsub/kafka/session_fixture.test.hpp"
#include "cloudflow/pubsub/kafka/topic_deletion.test.hpp"

#include <thread>

namespace cloudflow::pubsub::kafka {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

/// A member that has partition 0 of a topic.
class kafka_reading : public kafka_session {
protected:
  void SetUp() override {
    log_ = open_session();
    source_ = {create(*log_, "t", 1), partition_id{0}};
    out_ = open_producer(*log_, "writer");
  }
  member join(consumer_options::start start = consumer_options::start::earliest) {
    return {*log_,
            {.group = named("g"), .topics = {source_.topic}, .start_at = start, .on_ready = {}}};
  }
  void wait_for_assignment(member& of) const {
    ASSERT_TRUE(eventually([&] { return of.poll_assignments(), of.next.contains(source_); }));
  }
  /// What a fetch says that says something.
  static std::optional<error> error_of_fetch(consumer& from, const topic_partition& source) {
    std::optional<error> found;
    EXPECT_TRUE(eventually([&] {
      const auto batch = from.fetch(source, {});
      if (!batch) found = batch.error();
      return !batch || !batch->empty();
    }));
    return found;
  }
  void write_all(int from, int to, int at_once) {
    for (; from < to; from += at_once)
      ASSERT_TRUE(write(*out_, source_, numbers(from, std::min(to, from + at_once))).has_value());
  }

  std::unique_ptr<backend> log_;
  topic_partition source_;
  std::unique_ptr<producer> out_;
};

std::string value_at(const record_batch& batch, std::size_t i) {
  return std::string{batch.records()[i].value};
}

TEST_F(kafka_reading, a_seek_while_records_stream_in_delivers_exactly_from_there) {
  constexpr int count = 3000, at_once = 50;
  std::jthread writer{[&] { write_all(0, count, at_once); }};
  auto in = join();
  wait_for_assignment(in);
  // Each transaction ends with a mark, which takes an offset.
  const auto offset_of = [](int n) { return record_offset{n + n / at_once}; };
  for (const int back_to : {0, 49, 50, 700, 333, 1, 0}) {
    ASSERT_TRUE(in->seek(source_, offset_of(back_to)).has_value());
    EXPECT_EQ(fetch(*in, source_, 200, {.max_records = 200}).front(), std::to_string(back_to));
    ASSERT_TRUE(in->seek(source_, offset_of(back_to)).has_value());
    int expected = back_to;
    ASSERT_TRUE(eventually([&] {
      const auto batch = in->fetch(source_, {.max_records = 64});
      EXPECT_TRUE(batch.has_value()) << batch.error().message;
      for (const auto& record : batch->records()) {
        EXPECT_EQ(record.value, std::to_string(expected));
        EXPECT_EQ(record.offset, offset_of(expected));
        ++expected;
      }
      return expected >= std::min(back_to + 500, count) || HasFailure();
    }));
  }
}

TEST_F(kafka_reading, a_batch_keeps_to_its_limits_and_leaves_nothing_out) {
  write_all(0, 1000, 1000);
  auto in = join();
  wait_for_assignment(in);
  for (const auto limits :
       {fetch_limits{1, 1 << 20}, fetch_limits{7, 1 << 20}, fetch_limits{1000, 10},
        fetch_limits{1000, 1}, fetch_limits{1024, 1 << 20}}) {
    ASSERT_TRUE(in->seek(source_, record_offset{0}).has_value());
    std::vector<std::string> values;
    ASSERT_TRUE(eventually([&] {
      while (true) {
        const auto batch = in->fetch(source_, limits);
        EXPECT_TRUE(batch.has_value());
        if (batch->empty()) return values.size() >= 1000;
        EXPECT_LE(batch->records().size(), limits.max_records);
        std::size_t bytes = 0;
        for (const auto& record : batch->records()) {
          bytes += record.value.size();
          values.emplace_back(record.value);
        }
        EXPECT_TRUE(bytes <= limits.max_bytes || batch->records().size() == 1) << bytes;
      }
    }));
    EXPECT_EQ(values, numbers(0, 1000));
  }
}

TEST_F(kafka_reading, a_batch_says_where_reading_goes_on_behind_the_marks_of_transactions) {
  write_all(0, 3, 1);  // a mark behind each: offsets 0, 2 and 4, and the end at 6
  auto in = join();
  wait_for_assignment(in);
  std::optional<record_offset> next;
  ASSERT_TRUE(eventually([&] {
    const auto batch = in->fetch(source_, {});
    if (batch.has_value() && batch->next()) next = batch->next();
    return next == record_offset{6};
  })) << next.value_or(record_offset{-1}).value();
  EXPECT_EQ(in->end_offset(source_).value(), record_offset{6});
  EXPECT_EQ(in->fetch(source_, {})->next(), std::nullopt);
}

TEST_F(kafka_reading, a_batch_outlives_its_consumer_and_its_session) {
  write_all(0, 3, 3);
  record_batch batch;
  {
    auto in = join();
    wait_for_assignment(in);
    ASSERT_TRUE(eventually([&] {
      auto taken = in->fetch(source_, {});
      if (taken.has_value() && !taken->empty()) batch = std::move(taken).value();
      return !batch.empty();
    }));
  }
  out_.reset();
  log_.reset();
  ASSERT_THAT(batch.records(), SizeIs(3));
  EXPECT_EQ(value_at(batch, 2), "2");
}

TEST_F(kafka_reading, latest_skips_what_was_there_before_the_group) {
  write_all(0, 10, 10);
  auto in = join(consumer_options::start::latest);
  wait_for_assignment(in);
  write_all(10, 12, 1);
  EXPECT_EQ(fetch(*in, source_, 2), numbers(10, 12));
}

TEST_F(kafka_reading, a_position_that_is_not_there_is_said_with_both_offsets_and_a_seek_goes_on) {
  write_all(0, 10, 10);
  const auto group = named("g");
  transaction changes;
  changes.positions.push_back({group, source_.topic, source_.partition, record_offset{700}});
  ASSERT_TRUE(out_->commit(changes).has_value());
  auto in = join();
  wait_for_assignment(in);
  for (int i = 0; i != 2; ++i) {
    const auto refused = in->fetch(source_, {});
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, errc::offset_out_of_range);
    EXPECT_THAT(refused.error().message, HasSubstr("700"));
    EXPECT_THAT(refused.error().message, HasSubstr("0 to 11"));
  }
  ASSERT_TRUE(in->seek(source_, record_offset{5}).has_value());
  EXPECT_EQ(fetch(*in, source_, 5), numbers(5, 10));
}

TEST_F(kafka_reading, what_goes_out_of_range_while_it_is_read_is_said_and_a_seek_goes_on) {
  write_all(0, 10, 10);
  auto in = join();
  wait_for_assignment(in);
  EXPECT_EQ(fetch(*in, source_, 10), numbers(0, 10));
  ASSERT_TRUE(in->seek(source_, record_offset{4000}).has_value());
  std::optional<error> refused;
  ASSERT_TRUE(eventually([&] {
    const auto batch = in->fetch(source_, {});
    if (!batch) refused = batch.error();
    return refused.has_value();
  }));
  EXPECT_EQ(refused->code, errc::offset_out_of_range);
  EXPECT_THAT(refused->message, HasSubstr("4000"));
  ASSERT_TRUE(in->seek(source_, record_offset{3}).has_value());
  EXPECT_EQ(fetch(*in, source_, 7), numbers(3, 10));
}

TEST_F(kafka_reading, a_position_out_of_range_stays_so_when_the_log_grows_past_it) {
  write_all(0, 10, 10);
  const auto group = named("g");
  transaction changes;
  changes.positions.push_back({group, source_.topic, source_.partition, record_offset{15}});
  ASSERT_TRUE(out_->commit(changes).has_value());
  auto in = join();
  wait_for_assignment(in);
  write_all(10, 30, 20);
  for (const int at : {15, 14, 15}) {
    ASSERT_TRUE(in->seek(source_, record_offset{at}).has_value());
    const auto refused = error_of_fetch(*in, source_);
    ASSERT_TRUE(refused.has_value()) << at;
    EXPECT_EQ(refused->code, errc::offset_out_of_range);
    EXPECT_THAT(refused->message, HasSubstr("offset 15"));
  }
  // What is read from elsewhere has come there by right.
  ASSERT_TRUE(in->seek(source_, record_offset{5}).has_value());
  EXPECT_EQ(fetch(*in, source_, 25), numbers(5, 30));
  ASSERT_TRUE(in->seek(source_, record_offset{15}).has_value());
  EXPECT_EQ(fetch(*in, source_, 16), numbers(14, 30));
}

TEST_F(kafka_reading, a_topic_that_is_made_again_is_not_read_from_the_former_position) {
  write_all(0, 20, 20);
  auto in = join();
  wait_for_assignment(in);
  EXPECT_EQ(fetch(*in, source_, 20), numbers(0, 20));
  delete_topic(*log_, source_.topic);
  source_.topic = create(*log_, "t", 1);
  const auto lost = error_of_fetch(*in, source_);
  ASSERT_TRUE(lost.has_value());
  EXPECT_EQ(lost->code, errc::offset_out_of_range) << lost->message;

  out_ = open_producer(*log_, "writer of the new one");
  write_all(0, 40, 40);
  for (const int at : {20, 10}) {
    ASSERT_TRUE(in->seek(source_, record_offset{at}).has_value());
    const auto refused = error_of_fetch(*in, source_);
    ASSERT_TRUE(refused.has_value()) << at;
    EXPECT_EQ(refused->message, lost->message);
  }
  ASSERT_TRUE(in->seek(source_, record_offset{0}).has_value());
  EXPECT_EQ(fetch(*in, source_, 40), numbers(0, 40));
}

TEST_F(kafka_reading, headers_keys_and_absent_values_come_back) {
  record_buffer records;
  records.append("key", "value");
  records.add_header("a", "1");
  records.add_header("a", "");
  records.append("", "");
  records.append("deleted", {});
  transaction changes;
  changes.outputs.push_back({source_.topic, source_.partition, &records});
  ASSERT_TRUE(out_->commit(changes).has_value());
  auto in = join();
  wait_for_assignment(in);
  record_batch batch;
  ASSERT_TRUE(eventually([&] {
    auto taken = in->fetch(source_, {});
    if (taken.has_value() && !taken->empty()) batch = std::move(taken).value();
    return !batch.empty();
  }));
  const auto all = batch.records();
  ASSERT_THAT(all, SizeIs(3));
  ASSERT_THAT(all[0].headers, SizeIs(2));
  EXPECT_EQ(all[0].headers[1].name, "a");
  EXPECT_EQ(all[0].headers[0].value, "1");
  EXPECT_EQ(all[0].key, "key");
  EXPECT_NE(all[1].key.data(), nullptr);
  EXPECT_NE(all[1].value.data(), nullptr);
  EXPECT_THAT(all[1].headers, IsEmpty());
  EXPECT_EQ(all[2].value.data(), nullptr);
}

TEST_F(kafka_reading, a_released_partition_is_silent_although_nobody_asked_for_it) {
  write_all(0, 3, 3);
  auto in = join();
  wait_for_assignment(in);
  in->release(source_);
  EXPECT_FALSE(in->fetch(source_, {}).has_value());
  EXPECT_FALSE(in->seek(source_, record_offset{0}).has_value());
}

}  // namespace
}  // namespace cloudflow::pubsub::kafka
