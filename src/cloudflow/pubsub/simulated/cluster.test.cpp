#include "cloudflow/pubsub/simulated/cluster.hpp"

#include "cloudflow/pubsub/conformance.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cloudflow::pubsub {

// -- conformance ----------------------------------------------------------------------------------

namespace conformance {
namespace {

class simulated_environment final : public environment {
public:
  backend& log() override { return *session_; }
  void reopen() override {
    session_.reset();
    session_ = brokers_.connect();
  }

private:
  virtual_clock clock_;
  simulated::cluster brokers_{clock_};
  std::unique_ptr<simulated::session> session_ = brokers_.connect();
};

INSTANTIATE_TEST_SUITE_P(simulated, backend_conformance,
                         testing::Values(under_test{
                             "simulated",
                             [] { return std::make_unique<simulated_environment>(); }}),
                         name_of);

}  // namespace
}  // namespace conformance

// -- what several processes see of each other -----------------------------------------------------

namespace simulated {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr auto assigned = assignment::kind::assigned, revoked = assignment::kind::revoked,
               lost = assignment::kind::lost;

/// One process with a consumer of the group `g` and a producer.
struct member_process {
  std::unique_ptr<session> log;
  std::unique_ptr<consumer> in;
  std::unique_ptr<producer> out;
};

class two_processes : public testing::Test {
protected:
  two_processes() { a.log->ensure_topic({.name = "t", .partitions = 2}).value(); }

  member_process connect(const std::string& id) {
    member_process p{brokers.connect(), {}, {}};
    p.out = p.log->open_producer({.transactional_id = id}).value();
    return p;
  }
  void join(member_process& p) {
    p.in = p.log->open_consumer({.group = "g", .topics = {"t"}, .on_ready = {}}).value();
  }
  static std::vector<std::string> poll(member_process& p) {
    std::vector<std::string> said;
    for (const auto& c : p.in->poll_assignments().value()) {
      const auto* what = c.what == assigned  ? "assigned "
                         : c.what == revoked ? "revoked "
                                             : "lost ";
      said.push_back(what + std::to_string(c.source.partition.value()) + " from " +
                     std::to_string(c.next.value()));
    }
    return said;
  }
  /// A record to partition 0, and the position in it.
  transaction one_record(std::int64_t next) {
    records.clear();
    records.append({}, "x");
    transaction changes;
    changes.outputs.push_back({"t", partition_id{0}, &records});
    changes.positions.push_back({"g", "t", partition_id{0}, record_offset{next}});
    return changes;
  }
  std::size_t records_seen() {
    return a.log->read({"t", partition_id{0}}, record_offset{0}, {}).value().records().size();
  }
  void hold_commits(bool holds) {
    brokers.set_fault_profile({.leaves_marks = true, .holds_commits = holds});
  }

  const topic_partition t0{"t", partition_id{0}}, t1{"t", partition_id{1}};
  virtual_clock clock;
  cluster brokers{clock};
  member_process a = connect("a"), b = connect("b");
  record_buffer records;
};

TEST_F(two_processes, a_partition_goes_to_the_next_member_when_it_is_released) {
  join(a);
  EXPECT_THAT(poll(a), ElementsAre("assigned 0 from 0", "assigned 1 from 0"));
  join(b);
  EXPECT_THAT(poll(b), IsEmpty());
  EXPECT_THAT(poll(a), ElementsAre("revoked 1 from 0"));
  EXPECT_THAT(poll(b), IsEmpty());
  a.in->release(t1);
  EXPECT_THAT(poll(b), ElementsAre("assigned 1 from 0"));
  b.in.reset();
  EXPECT_THAT(poll(a), ElementsAre("assigned 1 from 0"));
}

TEST_F(two_processes, who_has_to_let_go_of_a_partition_gets_nothing_more_of_it) {
  ASSERT_TRUE(b.out->commit(one_record(0)).has_value());
  join(a);
  poll(a);
  brokers.rebalance("g");
  join(b);
  poll(b);
  EXPECT_THAT(poll(a), ElementsAre("revoked 0 from 0"));
  EXPECT_TRUE(a.in->fetch(t0, {}).value().empty());
  a.in->release(t0);
  EXPECT_THAT(poll(b), ElementsAre("assigned 0 from 0"));
  EXPECT_EQ(b.in->fetch(t0, {}).value().records().size(), 1u);
}

TEST_F(two_processes, a_commit_of_before_a_member_left_is_refused) {
  join(a);
  join(b);
  poll(a);
  a.in->release(t1);
  poll(b);
  hold_commits(true);
  const auto changes = one_record(1);
  a.out->begin(changes);
  b.in.reset();
  brokers.set_fault_profile({.stale_generations = 1000});
  EXPECT_EQ(a.out->outcome()->error().code, errc::rebalanced);
}

TEST_F(two_processes, a_silent_member_loses_what_it_has_and_joins_again_when_it_has_let_go) {
  join(a);
  join(b);
  poll(a);
  a.in->release(t1);
  poll(b);
  a.log->hang();
  clock.advance(3s);
  EXPECT_THAT(poll(b), ElementsAre("assigned 0 from 0"));
  a.log->wake_up();
  EXPECT_THAT(poll(a), ElementsAre("lost 0 from 0"));
  EXPECT_FALSE(a.in->fetch(t0, {}).has_value());
  EXPECT_THAT(poll(b), IsEmpty());
  a.in->release(t0);
  poll(a);
  EXPECT_THAT(poll(b), ElementsAre("revoked 1 from 0"));  // a is the second now
}

TEST_F(two_processes, a_position_is_taken_from_the_owner_of_its_partition_alone) {
  join(a);
  poll(a);
  const auto refused = b.out->commit(one_record(0));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, errc::rebalanced);
  EXPECT_EQ(records_seen(), 0u);
  EXPECT_TRUE(a.out->commit(one_record(0)).has_value());
  EXPECT_EQ(records_seen(), 1u);
}

TEST_F(two_processes, a_transaction_hides_what_comes_behind_it_until_it_has_ended) {
  hold_commits(true);
  const auto first = one_record(0);
  a.out->begin(first);
  EXPECT_FALSE(a.out->outcome());
  record_buffer other;
  other.append({}, "y");
  transaction second;
  second.outputs.push_back({"t", partition_id{0}, &other});
  EXPECT_TRUE(b.out->commit(second).has_value());
  EXPECT_EQ(records_seen(), 0u);
  hold_commits(false);
  EXPECT_TRUE(a.out->outcome()->has_value());
  const auto batch = a.log->read(t0, record_offset{0}, {}).value();
  EXPECT_EQ(batch.records().size(), 2u);
  EXPECT_EQ(batch.next(), record_offset{4});  // behind the marks
}

TEST_F(two_processes, a_transaction_of_a_crashed_process_is_aborted_when_its_time_is_over) {
  const auto changes = one_record(0);
  hold_commits(true);
  a.out->begin(changes);
  a.log->crash();
  a.out.reset();
  clock.advance(2s);
  join(b);
  poll(b);
  EXPECT_EQ(records_seen(), 0u);
  const auto batch = b.log->read(t0, record_offset{0}, {}).value();
  EXPECT_TRUE(batch.empty());
  EXPECT_EQ(batch.next(), record_offset{2});
}

TEST_F(two_processes, who_is_cut_off_learns_how_its_commit_ended_when_it_has_ended) {
  join(a);
  poll(a);
  brokers.set_fault_profile({.unknown_outcomes = 1000});
  int done = 0;
  for (std::int64_t next = 1; next != 20; ++next) {
    const auto changes = one_record(next);
    a.out->begin(changes);
    EXPECT_EQ(a.out->outcome()->error().code, errc::outcome_unknown);
    if (!a.log->position("g", t0)) clock.advance(2s);
    const auto position = a.log->position("g", t0).value();
    const bool is_done = position == record_offset{next};
    done += is_done ? 1 : 0;
    EXPECT_EQ(records_seen(), static_cast<std::size_t>(done));
  }
  EXPECT_GT(done, 0);
  EXPECT_LT(done, 19);
}

TEST_F(two_processes, state_is_seen_where_it_has_been_restored) {
  for (const auto* p : {&a, &b}) ASSERT_TRUE(p->log->ensure_state("s", 2).has_value());
  EXPECT_FALSE(a.log->state().find("s.count", partition_id{0}, "k").has_value());
  EXPECT_THAT(brokers.violations(), ElementsAre(HasSubstr("before it is restored")));
  ASSERT_TRUE(a.log->restore("s", partition_id{0}, [] {}).value());
  transaction changes;
  changes.state.push_back({"s.count", partition_id{0}, "k", "1"});
  hold_commits(true);
  a.out->begin(changes);
  EXPECT_FALSE(b.log->restore("s", partition_id{0}, [] {}).value());
  hold_commits(false);
  EXPECT_TRUE(a.out->outcome()->has_value());
  EXPECT_TRUE(b.log->restore("s", partition_id{0}, [] {}).value());
  EXPECT_EQ(b.log->state().find("s.count", partition_id{0}, "k").value(), "1");
}

TEST_F(two_processes, a_commit_of_unknown_outcome_does_not_change_the_copy_of_the_state_here) {
  ASSERT_TRUE(a.log->ensure_state("s", 2).has_value());
  ASSERT_TRUE(a.log->restore("s", partition_id{0}, [] {}).value());
  brokers.set_fault_profile({.unknown_outcomes = 1000});
  const auto seen = [&] { return a.log->state().find("s.count", partition_id{0}, "k").value(); };
  const auto restored = [&] {
    a.log->give_up("s", partition_id{0});
    while (!a.log->restore("s", partition_id{0}, [] {}).value()) clock.advance(2s);
    return seen();
  };
  int done = 0;
  for (int i = 1; i != 20; ++i) {
    const auto value = std::to_string(i);
    transaction changes;
    changes.state.push_back({"s.count", partition_id{0}, "k", value});
    const auto before = seen();
    a.out->begin(changes);
    EXPECT_EQ(a.out->outcome()->error().code, errc::outcome_unknown);
    a.log->restore("s", partition_id{0}, [] {}).ignore("it is here, and stays as it is");
    EXPECT_EQ(seen(), before);
    const auto after = restored();
    EXPECT_TRUE(after == before || after == value);
    done += after == value ? 1 : 0;
  }
  EXPECT_GT(done, 0);
  EXPECT_LT(done, 19);
}

TEST_F(two_processes, what_is_committed_at_least_once_is_seen_although_the_commit_fails) {
  auto out =
      a.log->open_producer({.transactional_id = "x", .delivery = guarantee::at_least_once}).value();
  join(b);
  poll(b);
  EXPECT_EQ(out->commit(one_record(0)).error().code, errc::rebalanced);
  EXPECT_EQ(records_seen(), 1u);
  EXPECT_EQ(a.log->position("g", t0).value(), std::nullopt);
}

TEST_F(two_processes, a_position_that_goes_back_and_bytes_that_change_are_noted) {
  ASSERT_TRUE(a.out->commit(one_record(1)).has_value());
  ASSERT_TRUE(a.out->commit(one_record(0)).has_value());
  const auto changes = one_record(1);
  a.out->begin(changes);
  records.append({}, "more");
  EXPECT_TRUE(a.out->outcome()->has_value());
  EXPECT_THAT(brokers.violations(),
              ElementsAre(HasSubstr("goes back from 1 to 0"), HasSubstr("was changed")));
}

}  // namespace
}  // namespace simulated
}  // namespace cloudflow::pubsub
