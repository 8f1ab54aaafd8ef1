#include "cloudflow/pubsub/kafka/session_fixture.test.hpp"

namespace cloudflow::pubsub::kafka {
namespace {

/// A broker of the test's own, which goes away in between.
class kafka_outage : public testing::Test {
protected:
  static constexpr int rounds = 30;

  void SetUp() override {
    log_ = open({.connection = {{"bootstrap.servers", broker_.address()}}, .application = "app"},
                clock_of_tests)
               .value();
    ASSERT_TRUE(log_->ensure_topic({.name = "t", .partitions = 1}).has_value());
    ASSERT_TRUE(log_->ensure_topic({.name = "in", .partitions = 1}).has_value());
  }

  /// Commits one number after the other, each with the position that stands for it, while
  /// `interrupt` is called after the first third. What fails and may be tried again is tried again,
  /// as the runtime does it.
  void commit_all(guarantee delivery, const std::function<void()>& interrupt) {
    bell news;
    auto out = log_->open_producer(
        {.transactional_id = "w", .delivery = delivery, .on_outcome = news.ringer()});
    ASSERT_TRUE(out.has_value()) << out.error().message;
    for (int i = 0; i != rounds; ++i) {
      const auto records = records_of({std::to_string(i)});
      transaction changes;
      changes.outputs.push_back({"t", partition_id{0}, &records});
      changes.positions.push_back({"g", "in", partition_id{0}, record_offset{i + 1}});
      (*out)->begin(changes);
      if (i == rounds / 3) interrupt();
      ASSERT_TRUE(eventually([&] {
        const auto ended = (*out)->outcome();
        if (!ended || *ended) return ended.has_value();
        EXPECT_TRUE(ended->error().is_retriable()) << ended->error().message;
        if (ended->error().is_retriable()) (*out)->begin(changes);
        return !ended->error().is_retriable();
      }));
    }
  }
  std::vector<std::string> written() const {
    std::vector<std::string> all;
    EXPECT_TRUE(eventually([&] {
      all.clear();
      for (record_offset next{0};;) {
        const auto batch = log_->read({"t", partition_id{0}}, next, {});
        if (!batch || !batch->next()) break;
        for (const auto& record : batch->records()) all.emplace_back(record.value);
        next = *batch->next();
      }
      return !all.empty() && all.back() == std::to_string(rounds - 1);
    }));
    return all;
  }

  test_broker broker_;
  std::unique_ptr<backend> log_;
};

TEST_F(kafka_outage, transactions_go_on_after_a_restart_and_each_is_there_once) {
  commit_all(guarantee::exactly_once, [&] {
    broker_.stop();
    broker_.start();
  });
  EXPECT_EQ(written(), numbers(0, rounds));
  EXPECT_EQ(log_->position("g", {"in", partition_id{0}}).value(), record_offset{rounds});
}

TEST_F(kafka_outage, at_least_once_loses_nothing_when_a_broker_is_killed) {
  commit_all(guarantee::at_least_once, [&] {
    broker_.kill();
    broker_.start();
  });
  const auto all = written();
  // In the order of their first appearance; some may be there twice.
  std::vector<std::string> first;
  for (const auto& value : all)
    if (std::find(first.begin(), first.end(), value) == first.end()) first.push_back(value);
  EXPECT_EQ(first, numbers(0, rounds));
  EXPECT_EQ(log_->position("g", {"in", partition_id{0}}).value(), record_offset{rounds});
}

TEST_F(kafka_outage, at_least_once_moves_no_position_before_its_records_are_acknowledged) {
  auto out = log_->open_producer({.transactional_id = "w", .delivery = guarantee::at_least_once});
  ASSERT_TRUE(out.has_value());
  member in{*log_, {.group = "g", .topics = {"in"}, .on_ready = {}}};
  ASSERT_TRUE(eventually([&] { return in.poll_assignments(), in.next.size() == 1; }));
  const auto records = records_of(numbers(0, 1000));
  transaction changes;
  changes.outputs.push_back({"t", partition_id{0}, &records});
  changes.positions.push_back({"g", "in", partition_id{0}, record_offset{1}});
  const auto done = (*out)->commit(changes);
  ASSERT_TRUE(done.has_value()) << done.error().message;
  broker_.kill();
  changes.positions.front().next = record_offset{2};
  (*out)->begin(changes);
  bell never;
  for (int i = 0; i != 20; ++i) never.wait();
  EXPECT_FALSE((*out)->outcome().has_value()) << "nobody can have acknowledged it";
  out->reset();  // the process ends while it waits
  broker_.start();
  EXPECT_TRUE(eventually([&] { return log_->topic("t").has_value(); }));
  EXPECT_EQ(log_->position("g", {"in", partition_id{0}}).value(), record_offset{1});
}

TEST_F(kafka_outage, a_consumer_goes_on_where_it_was) {
  auto out = log_->open_producer({.transactional_id = "w"});
  ASSERT_TRUE(out.has_value());
  const topic_partition source{"t", partition_id{0}};
  ASSERT_TRUE(write(**out, source, numbers(0, 500)).has_value());
  member in{*log_, {.group = "g", .topics = {"t"}, .on_ready = {}}};
  ASSERT_TRUE(eventually([&] { return in.poll_assignments(), in.next.contains(source); }));
  auto values = fetch(*in, source, 100, {.max_records = 100});
  broker_.stop();
  broker_.start();
  ASSERT_TRUE(eventually([&] {
    const auto more = write(**out, source, numbers(500, 1000));
    EXPECT_TRUE(more.has_value() || more.error().is_retriable()) << more.error().message;
    return more.has_value();
  }));
  ASSERT_TRUE(eventually([&] {
    in.poll_assignments();
    if (!in.next.contains(source)) return false;
    const auto batch = in->fetch(source, {});
    if (batch.has_value())
      for (const auto& record : batch->records()) values.emplace_back(record.value);
    return values.size() >= 1000;
  }));
  EXPECT_EQ(values, numbers(0, 1000));
  EXPECT_TRUE(in.told(assignment::kind::revoked).empty());
}

}  // namespace
}  // namespace cloudflow::pubsub::kafka
