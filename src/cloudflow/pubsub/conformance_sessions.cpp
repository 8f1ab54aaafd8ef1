#include "cloudflow/pubsub/conformance.hpp"

#include <gmock/gmock.h>

namespace cloudflow::pubsub::conformance {

using testing::ElementsAre;
using testing::IsEmpty;

// -- transactions ---------------------------------------------------------------------------------

TEST_P(backend_conformance, a_transaction_is_visible_whole) {
  create("t", 2);
  create("in");
  bring_state("s", 1);
  auto out = open_producer();
  record_buffer a, b;
  a.append({}, "a");
  b.append({}, "b");
  transaction changes;
  changes.outputs.push_back({"t", partition_id{0}, &a});
  changes.outputs.push_back({"t", partition_id{1}, &b});
  changes.state.push_back({"s", partition_id{0}, "key", "value"});
  changes.positions.push_back({"g", "in", partition_id{0}, record_offset{17}});
  ASSERT_TRUE(out->commit(changes).has_value());
  world().reopen();
  bring_state("s", 1);
  EXPECT_THAT(values_of(read_all(t0)), ElementsAre("a"));
  EXPECT_THAT(values_of(read_all(t1)), ElementsAre("b"));
  EXPECT_EQ(log().state().find("s", partition_id{0}, "key").value(), "value");
  EXPECT_EQ(log().position("g", in0).value(), record_offset{17});
}

TEST_P(backend_conformance, nothing_of_a_refused_transaction_is_visible) {
  create("t", 1, {{"max.message.bytes", "1000"}});
  create("u");
  create("in");
  bring_state("s", 1);
  record_buffer good, bad;
  good.append({}, "good");
  bad.append({}, std::string(2000, 'x'));
  transaction changes;
  changes.outputs.push_back({"u", partition_id{0}, &good});
  changes.outputs.push_back({"t", partition_id{0}, &bad});
  changes.state.push_back({"s", partition_id{0}, "key", "value"});
  changes.positions.push_back({"g", "in", partition_id{0}, record_offset{17}});
  EXPECT_FALSE(open_producer()->commit(changes).has_value());
  EXPECT_THAT(read_all({"u", partition_id{0}}), IsEmpty());
  EXPECT_EQ(log().state().find("s", partition_id{0}, "key").value(), std::nullopt);
  EXPECT_EQ(log().position("g", in0).value(), std::nullopt);
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
  EXPECT_TRUE(refused.error().is_fatal());
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

// -- consumers ------------------------------------------------------------------------------------

TEST_P(backend_conformance, a_consumer_gets_its_partitions_once_and_follows) {
  create("t", 2);
  auto out = open_producer();
  write(*out, t0, {"1"});
  auto in = open_consumer("g", {"t"});
  const auto assigned = in.assigned(2);
  EXPECT_EQ(assigned[0].source, t0);
  EXPECT_EQ(assigned[0].next, record_offset{0});
  EXPECT_EQ(assigned[1].source, t1);
  EXPECT_THAT(*in->poll_assignments(), IsEmpty());
  EXPECT_THAT(in.take_all(t0), ElementsAre("1"));
  write(*out, t0, {"2"});
  write(*out, t1, {"3"});
  EXPECT_THAT(in.take_all(t0), ElementsAre("2"));
  EXPECT_THAT(in.take_all(t1), ElementsAre("3"));
}

TEST_P(backend_conformance, a_group_goes_on_where_it_has_committed) {
  create("t");
  auto out = open_producer();
  write(*out, t0, numbered(0, 10));
  commit_position(*out, "g", t0, 4);
  for (const auto start : {consumer_options::start::earliest, consumer_options::start::latest}) {
    auto in = open_consumer("g", {"t"}, start);
    ASSERT_EQ(in.assigned()[0].next, record_offset{4});
    EXPECT_EQ(in.take_all(t0), numbered(4, 10));
  }
  out.reset();
  world().reopen();
  EXPECT_EQ(open_consumer("g", {"t"}).assigned()[0].next, record_offset{4});
  EXPECT_EQ(open_consumer("other", {"t"}).assigned()[0].next, record_offset{0});
}

TEST_P(backend_conformance, latest_is_the_end_for_a_group_without_position) {
  create("t");
  auto out = open_producer();
  write(*out, t0, numbered(0, 10));
  auto in = open_consumer("g", {"t"}, consumer_options::start::latest);
  EXPECT_EQ(in.assigned()[0].next, end_of(t0));
  write(*out, t0, {"new"});
  EXPECT_THAT(in.take_all(t0), ElementsAre("new"));
}

TEST_P(backend_conformance, seek_replays) {
  create("t");
  write(*open_producer(), t0, numbered(0, 10));
  auto in = open_consumer("g", {"t"});
  in.assigned();
  EXPECT_EQ(in.take_all(t0), numbered(0, 10));
  in.seek(t0, record_offset{3});
  EXPECT_EQ(in.take_all(t0), numbered(3, 10));
}

TEST_P(backend_conformance, end_offset_is_one_behind_the_newest_record) {
  create("t");
  auto out = open_producer();
  auto in = open_consumer("g", {"t"});
  in.assigned();
  EXPECT_EQ(in->end_offset(t0).value(), record_offset{0});
  write(*out, t0, numbered(0, 10));
  eventually([&] { return in->end_offset(t0).value() == end_of(t0); });
}

TEST_P(backend_conformance, the_end_of_a_partition_is_told_to_who_asks_for_it) {
  create("t", 2);
  write(*open_producer(), t0, numbered(0, 10));
  const auto told = [&](const topic_partition& of) {
    bell news;
    std::optional<result<record_offset>> end;
    std::mutex mutex;
    log().ask_end(of, [&](const result<record_offset>& found) {
      const std::lock_guard lock{mutex};
      end.emplace(found);
      news.ring();
    });
    eventually(
        [&] {
          const std::lock_guard lock{mutex};
          return end.has_value();
        },
        news);
    return *end;
  };
  EXPECT_EQ(told(t0).value(), end_of(t0));
  EXPECT_EQ(told(t1).value(), record_offset{0});
  EXPECT_FALSE(told({"none", partition_id{0}}));
  EXPECT_FALSE(told({"t", partition_id{2}}));
}

TEST_P(backend_conformance, records_that_are_needed_stay_when_others_are_forgotten) {
  create("t");
  write(*open_producer(), t0, numbered(0, 10));
  log().forget_before(t0, record_offset{4});
  log().forget_before({"none", partition_id{0}}, record_offset{1});
  write(*open_producer(), t0, numbered(10, 12));
  EXPECT_EQ(values_of(read_all(t0, 4)), numbered(4, 12));
}

TEST_P(backend_conformance, a_released_partition_cannot_be_taken_from) {
  create("t", 2);
  write(*open_producer(), t0, {"1"});
  auto in = open_consumer("g", {"t"});
  in.assigned(2);
  in->release(t0);
  EXPECT_FALSE(in->fetch(t0, {}).has_value());
  EXPECT_TRUE(in->fetch(t1, {}).has_value());
}

TEST_P(backend_conformance, a_group_has_members_while_a_consumer_of_it_is_open) {
  create("t");
  EXPECT_FALSE(log().has_members("g").value());
  auto in = open_consumer("g", {"t"});
  in.assigned();
  EXPECT_TRUE(log().has_members("g").value());
  EXPECT_FALSE(log().has_members("h").value());
  in.close();
  eventually([&] { return !log().has_members("g").value(); });
}

TEST_P(backend_conformance, a_position_is_of_one_group_and_one_partition) {
  create("t", 2);
  auto out = open_producer();
  commit_position(*out, "g", t1, 7);
  EXPECT_EQ(log().position("g", t1).value(), record_offset{7});
  EXPECT_EQ(log().position("g", t0).value(), std::nullopt);
  EXPECT_EQ(log().position("h", t1).value(), std::nullopt);
}

// -- state ----------------------------------------------------------------------------------------

TEST_P(backend_conformance, state_is_kept_by_store_partition_and_key) {
  bring_state("s", 2);
  bring_state("s2", 1);
  auto out = open_producer();
  transaction changes;
  changes.state.push_back({"s", partition_id{0}, "k", "1"});
  changes.state.push_back({"s", partition_id{1}, "k", "2"});
  changes.state.push_back({"s2", partition_id{0}, "k", "3"});
  changes.state.push_back({"s", partition_id{0}, "", "empty key"});
  changes.state.push_back({"s", partition_id{0}, "k2", ""});
  ASSERT_TRUE(out->commit(changes).has_value());
  world().reopen();
  bring_state("s", 2);
  bring_state("s2", 1);
  EXPECT_EQ(log().state().find("s", partition_id{0}, "k").value(), "1");
  EXPECT_EQ(log().state().find("s", partition_id{1}, "k").value(), "2");
  EXPECT_EQ(log().state().find("s2", partition_id{0}, "k").value(), "3");
  EXPECT_EQ(log().state().find("s", partition_id{0}, "").value(), "empty key");
  EXPECT_EQ(log().state().find("s", partition_id{0}, "k2").value(), "");
  EXPECT_EQ(log().state().find("s", partition_id{0}, "k3").value(), std::nullopt);
}

TEST_P(backend_conformance, the_last_change_of_a_key_wins) {
  bring_state("s", 1);
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
  bring_state("s", 2);
  bring_state("r", 1);
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

// -- schemas --------------------------------------------------------------------------------------

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
