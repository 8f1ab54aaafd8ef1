// Faults that strangers found, and others of their kinds: a library that does not answer, clients
// that have died.
#include "cloudflow/pubsub/kafka/acls.test.hpp"
#include "cloudflow/pubsub/kafka/broker_fixture.hpp"
#include "cloudflow/pubsub/kafka/deaf_server.test.hpp"
#include "cloudflow/pubsub/kafka/internal/admin.hpp"
#include "cloudflow/pubsub/kafka/internal/connection.hpp"
#include "cloudflow/pubsub/kafka/recorder.test.hpp"
#include "cloudflow/pubsub/kafka/session_fixture.test.hpp"

#include <condition_variable>
#include <stdexcept>

namespace cloudflow::pubsub::kafka {
namespace {

using testing::AnyOf;
using testing::ElementsAre;
using testing::HasSubstr;

// -- H1: a call of the library that does not return -----------------------------------------------

/// A log that stops the thread of librdkafka which says something certain, so that its client does
/// not answer any more.
class stopping_log final : public log_sink {
public:
  log_level lowest() const noexcept override { return log_level::debug; }
  void write(log_level, std::string_view, std::string_view message) override {
    std::unique_lock lock{mutex_};
    if (!is_armed_ || message.find(at_) == std::string_view::npos) return;
    is_armed_ = false;
    has_stopped_ = true;
    changed_.wait(lock, [this] { return is_released_; });
  }
  void stop_at(std::string_view what) {
    const std::lock_guard lock{mutex_};
    at_ = what;
    is_armed_ = true;
    is_released_ = false;
  }
  void release() {
    const std::lock_guard lock{mutex_};
    is_released_ = true;
    changed_.notify_all();
  }
  bool has_stopped() const {
    const std::lock_guard lock{mutex_};
    return has_stopped_;
  }

private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::string at_;
  bool is_armed_ = false, is_released_ = false, has_stopped_ = false;
};

class fault_h1 : public kafka_session {
protected:
  void SetUp() override {
    auto how = wanted();
    how.log = logger{log_, "kafka"};
    how.connection["debug"] = "eos";
    session_ = kafka_session::open_session(how);
    topic_ = create(*session_, "t", 1);
    // The coordinators are there from now on; the first transaction takes longer.
    ASSERT_TRUE(commit(*open_producer(*session_, "first"), "0", 0).has_value());
  }
  /// What was abandoned has ended as well.
  void TearDown() override {
    log_->release();
    session_.reset();
    EXPECT_TRUE(eventually([&] { return log_.use_count() == 1; }));
  }

  std::unique_ptr<producer> open_impatient() const {
    auto opened = session_->open_producer(
        {.transactional_id = named("w"), .properties = {{"transaction.timeout.ms", "2000"}}});
    if (!opened) throw std::runtime_error{opened.error().message};
    return std::move(opened).value();
  }
  /// Commits a record and a position.
  result<void> commit(producer& to, std::string value, int position) const {
    const auto records = records_of({std::move(value)});
    transaction changes;
    changes.outputs.push_back({topic_, partition_id{0}, &records});
    changes.positions.push_back({group_, topic_, partition_id{0}, record_offset{position}});
    return to.commit(changes);
  }
  std::vector<std::string> values(std::size_t count) const {
    std::vector<std::string> all;
    EXPECT_TRUE(eventually([&] {
      all.clear();
      for (record_offset next{0};;) {
        const auto batch = session_->read({topic_, partition_id{0}}, next, {});
        if (!batch || !batch->next()) break;
        for (const auto& record : batch->records()) all.emplace_back(record.value);
        next = *batch->next();
      }
      return all.size() >= count;
    }));
    return all;
  }

  const std::shared_ptr<stopping_log> log_ = std::make_shared<stopping_log>();
  std::unique_ptr<backend> session_;
  std::string topic_;
  const std::string group_ = named("g");
};

TEST_F(fault_h1,
       a_producer_whose_library_never_takes_its_positions_is_given_up_and_another_goes_on) {
  auto first = open_impatient();
  ASSERT_TRUE(commit(*first, "1", 1).has_value());
  log_->stop_at("ADDOFFSETS");
  const auto stuck = commit(*first, "2", 2);
  ASSERT_TRUE(log_->has_stopped());
  ASSERT_FALSE(stuck.has_value());
  EXPECT_TRUE(stuck.error().is_fatal() && stuck.error().is_retriable()) << "by another producer";
  EXPECT_THAT(stuck.error().message, HasSubstr("does not answer"));
  EXPECT_EQ(first->trouble(), stuck.error().message);
  first.reset();  // does not wait for what never comes
  auto second = open_impatient();
  ASSERT_TRUE(commit(*second, "2", 2).has_value());
  log_->release();  // it wakes up after all, and is fenced
  ASSERT_TRUE(commit(*second, "3", 3).has_value());
  EXPECT_EQ(second->trouble(), "");
  EXPECT_THAT(values(4), ElementsAre("0", "1", "2", "3"));
  EXPECT_EQ(session_->position(group_, {topic_, partition_id{0}}).value(), record_offset{3});
}

TEST_F(fault_h1, a_commit_that_the_library_never_ends_is_of_unknown_outcome) {
  auto first = open_impatient();
  ASSERT_TRUE(commit(*first, "1", 1).has_value());
  log_->stop_at("EndTxn");
  const auto stuck = commit(*first, "2", 2);
  ASSERT_TRUE(log_->has_stopped());
  ASSERT_FALSE(stuck.has_value());
  EXPECT_EQ(stuck.error().code, errc::outcome_unknown);
  EXPECT_TRUE(stuck.error().is_fatal() && !stuck.error().is_retriable());
  first.reset();
  auto second = open_impatient();
  const auto at = session_->position(group_, {topic_, partition_id{0}}).value();
  EXPECT_THAT(at, AnyOf(record_offset{1}, record_offset{2}));
  const auto is_committed = at == record_offset{2};
  ASSERT_TRUE(commit(*second, is_committed ? "3" : "2", is_committed ? 3 : 2).has_value());
  log_->release();
  if (is_committed)
    EXPECT_THAT(values(4), ElementsAre("0", "1", "2", "3"));
  else
    EXPECT_THAT(values(3), ElementsAre("0", "1", "2"));
}

TEST(fault_h1_refused, a_commit_whose_connection_is_lost_and_refused_is_of_unknown_outcome) {
  test_broker broker{{.secured = true}};
  const auto log = std::make_shared<stopping_log>();
  const auto session = open({.connection = {{"bootstrap.servers", broker.address("sasl_ssl")},
                                            {"security.protocol", "SASL_SSL"},
                                            {"ssl.ca.location", (broker.pki() / "ca.pem").string()},
                                            {"sasl.mechanism", "SCRAM-SHA-512"},
                                            {"sasl.username", "app"},
                                            {"sasl.password", "app-secret"},
                                            {"reconnect.backoff.max.ms", "500"},
                                            {"debug", "eos"}},
                             .application = "app",
                             .log = logger{log, "kafka"}},
                            clock_of_tests)
                           .value();
  ASSERT_TRUE(session->ensure_topic({.name = "t", .partitions = 1}).has_value());
  bell news;
  const auto out = session
                       ->open_producer({.transactional_id = "w",
                                        .on_outcome = news.ringer(),
                                        .properties = {{"transaction.timeout.ms", "120000"}}})
                       .value();
  ASSERT_TRUE(write(*out, {"t", partition_id{0}}, {"1"}).has_value());
  const auto records = records_of({"2"});
  transaction changes;
  changes.outputs.push_back({"t", partition_id{0}, &records});
  log->stop_at("prior to commit");
  out->begin(changes);
  ASSERT_TRUE(eventually([&] { return log->has_stopped(); }));
  broker.set_password("new-secret");
  broker.kill();
  broker.start();
  log->release();
  std::optional<result<void>> ended;
  ASSERT_TRUE(eventually([&] { return (ended = out->outcome()).has_value(); }));
  ASSERT_FALSE(ended->has_value());
  EXPECT_EQ(ended->error().code, errc::outcome_unknown) << ended->error().message;
  EXPECT_THAT(ended->error().message, HasSubstr("password is refused"));
  EXPECT_TRUE(ended->error().is_fatal() && !ended->error().is_retriable());
}

TEST_F(fault_h1, a_producer_ends_in_time_while_its_library_does_not_answer) {
  bell news;
  auto stuck =
      session_->open_producer({.transactional_id = named("w"), .on_outcome = news.ringer()});
  ASSERT_TRUE(stuck.has_value()) << stuck.error().message;
  log_->stop_at("ADDOFFSETS");
  const auto records = records_of({"1"});
  transaction changes;
  changes.outputs.push_back({topic_, partition_id{0}, &records});
  changes.positions.push_back({group_, topic_, partition_id{0}, record_offset{1}});
  (*stuck)->begin(changes);
  ASSERT_TRUE(eventually([&] { return log_->has_stopped(); }));
  const auto began = clock_of_tests.monotonic();
  stuck->reset();
  EXPECT_LT(clock_of_tests.monotonic() - began, std::chrono::seconds{15});
}

TEST(fault_h1_at_the_end, a_broker_that_does_not_answer_is_not_waited_for) {
  const deaf_server broker;
  const auto session = connection::make({.connection = {{"bootstrap.servers", broker.address()}},
                                         .application = "app",
                                         .must_stop = [] { return true; }},
                                        clock_of_tests)
                           .value();
  const admin requests{session};
  const auto began = clock_of_tests.monotonic();
  EXPECT_EQ(requests.describe("t").error().code, errc::unavailable);
  EXPECT_LT(clock_of_tests.monotonic() - began, std::chrono::seconds{10}) << "else 23";
}

// -- H2: a client that has died -------------------------------------------------------------------

class fault_h2 : public testing::TestWithParam<const char*> {
protected:
  static void SetUpTestSuite() {
    broker_ = std::make_unique<test_broker>(broker_options{.acls = true});
  }
  static void TearDownTestSuite() { broker_.reset(); }

  void SetUp() override {
    auto opened = open({.connection = {{"bootstrap.servers", broker_->address("sasl_ssl")},
                                       {"security.protocol", "SASL_SSL"},
                                       {"ssl.ca.location", (broker_->pki() / "ca.pem").string()},
                                       {"sasl.mechanism", "PLAIN"},
                                       {"sasl.username", "app"},
                                       {"sasl.password", "app-secret"}},
                        .application = unique_name("app"),
                        .catalog_topic = unique_name("catalog"),
                        .log = logger{log_, "kafka"}},
                       clock_of_tests);
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
    session_ = std::move(opened).value();
    ASSERT_TRUE(session_->ensure_topic({.name = topic_, .partitions = 1}).has_value());
    open_writer();
  }
  void open_writer() {
    auto opened = session_->open_producer({.transactional_id = id_});
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
    out_ = std::move(opened).value();
  }
  /// A member that owns the partition.
  std::unique_ptr<member> join() {
    auto joined = open_member();
    EXPECT_TRUE(eventually([&] { return poll(*joined), (*joined)->has_joined(); }));
    return joined;
  }
  std::unique_ptr<member> open_member() {
    std::map<std::string, std::string> how{{"group.protocol", GetParam()}};
    if (how["group.protocol"] == "classic") how["session.timeout.ms"] = "6000";
    return std::make_unique<member>(
        *session_,
        consumer_options{.group = group_, .topics = {topic_}, .on_ready = {}, .properties = how});
  }
  static bool says_why(const member& in) {
    return in->why_not_joined().find("check the ACLs of the group") != std::string::npos;
  }
  /// What it says is for a log.
  static void poll(member& in) {
    try {
      in.poll_assignments();
    } catch (const std::runtime_error&) {
    }
  }
  denial deny(rd_kafka_ResourceType_t type, const std::string& name,
              rd_kafka_AclOperation_t operation) const {
    return {broker_->address("plaintext"), type, name, operation};
  }
  /// Reads what is written now.
  void expect_reading(member& in, const std::string& value) {
    ASSERT_TRUE(write(*out_, source_, {value}).has_value());
    std::string last;
    EXPECT_TRUE(eventually([&] {
      poll(in);
      if (!in.next.contains(source_)) return false;
      const auto batch = in->fetch(source_, {});
      if (batch.has_value())
        for (const auto& record : batch->records()) last = record.value;
      return last == value;
    })) << "member: "
        << in->has_joined() << ", " << in->why_not_joined();
  }

  inline static std::unique_ptr<test_broker> broker_;
  const std::shared_ptr<recorder> log_ = std::make_shared<recorder>();
  const std::string topic_ = unique_name("t"), group_ = unique_name("g"), id_ = unique_name("w");
  const topic_partition source_{topic_, partition_id{0}};
  std::unique_ptr<backend> session_;
  std::unique_ptr<producer> out_;
};

TEST_P(fault_h2, a_member_whose_right_to_the_group_was_taken_away_for_a_while_reads_again) {
  const auto in = join();
  expect_reading(*in, "before");
  {
    const auto denied = deny(RD_KAFKA_RESOURCE_GROUP, group_, RD_KAFKA_ACL_OPERATION_READ);
    ASSERT_TRUE(eventually([&] { return poll(*in), !(*in)->has_joined(); }));
    EXPECT_TRUE(eventually([&] { return poll(*in), says_why(*in); })) << (*in)->why_not_joined();
    EXPECT_THAT((*in)->why_not_joined(), HasSubstr(group_));
    EXPECT_TRUE(eventually([&] { return poll(*in), in->next.empty(); })) << "others may have it";
  }
  EXPECT_TRUE(eventually([&] { return poll(*in), (*in)->has_joined(); }));
  EXPECT_EQ((*in)->why_not_joined(), "");
  expect_reading(*in, "after");
}

TEST_P(fault_h2, a_member_that_is_refused_from_the_first_joins_when_it_may) {
  std::unique_ptr<member> in;
  {
    const auto denied = deny(RD_KAFKA_RESOURCE_GROUP, group_, RD_KAFKA_ACL_OPERATION_READ);
    in = open_member();
    ASSERT_TRUE(eventually([&] { return poll(*in), says_why(*in); })) << (*in)->why_not_joined();
    EXPECT_FALSE((*in)->has_joined());
  }
  expect_reading(*in, "after");
}

TEST_P(fault_h2, a_partition_whose_topic_was_denied_for_a_while_is_read_again) {
  const auto in = join();
  expect_reading(*in, "before");
  {
    const auto denied = deny(RD_KAFKA_RESOURCE_TOPIC, topic_, RD_KAFKA_ACL_OPERATION_READ);
    ASSERT_TRUE(eventually([&] {
      poll(*in);
      return !in->next.contains(source_) || !(*in)->fetch(source_, {}).has_value();
    }));
  }
  expect_reading(*in, "after");
}

TEST_P(fault_h2, a_member_whose_broker_was_gone_for_a_while_reads_again) {
  const auto in = join();
  expect_reading(*in, "before");
  broker_->kill();
  bell never;
  for (int i = 0; i != 50; ++i) {
    poll(*in);
    never.wait();
  }
  broker_->start();
  ASSERT_TRUE(eventually([&] {
    const auto done = write(*out_, source_, {"between"});
    if (!done && done.error().is_fatal()) open_writer();
    return done.has_value();
  }));
  expect_reading(*in, "after");
}

TEST_P(fault_h2, a_producer_whose_right_to_its_id_was_taken_away_says_so_and_the_next_one_writes) {
  {
    const auto denied = deny(RD_KAFKA_RESOURCE_TRANSACTIONAL_ID, id_, RD_KAFKA_ACL_OPERATION_WRITE);
    ASSERT_TRUE(eventually([&] {
      const auto done = write(*out_, source_, {"denied"});
      if (done) return false;
      EXPECT_THAT(done.error().message, HasSubstr("check the ACLs of the transactional id"));
      EXPECT_EQ(done.error().code, errc::session_denied);
      EXPECT_TRUE(done.error().is_fatal()) << "or nobody makes another one";
      return true;
    }));
  }
  out_.reset();
  ASSERT_TRUE(eventually([&] {
    auto opened = session_->open_producer({.transactional_id = id_});
    if (opened) out_ = std::move(opened).value();
    return opened.has_value();
  }));
  EXPECT_TRUE(write(*out_, source_, {"after"}).has_value());
}

TEST_P(fault_h2, a_producer_that_may_not_write_to_a_topic_names_it_and_writes_when_it_may) {
  {
    const auto denied = deny(RD_KAFKA_RESOURCE_TOPIC, topic_, RD_KAFKA_ACL_OPERATION_WRITE);
    ASSERT_TRUE(eventually([&] {
      const auto done = write(*out_, source_, {"denied"});
      if (done) return false;
      EXPECT_THAT(done.error().message, HasSubstr("check the ACLs of the topic"));
      EXPECT_THAT(done.error().message, HasSubstr(topic_));
      EXPECT_EQ(out_->trouble(), done.error().message);
      if (done.error().is_fatal()) open_writer();
      return true;
    }));
  }
  EXPECT_TRUE(eventually([&] {
    const auto done = write(*out_, source_, {"after"});
    if (!done && done.error().is_fatal()) open_writer();
    return done.has_value();
  }));
}

INSTANTIATE_TEST_SUITE_P(by, fault_h2, testing::Values("consumer", "classic"),
                         [](const auto& each) { return std::string{each.param}; });

}  // namespace
}  // namespace cloudflow::pubsub::kafka
