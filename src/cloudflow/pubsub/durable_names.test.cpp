#include "cloudflow/pubsub/durable_names.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace cloudflow::pubsub {
namespace {

/// Names that an author may choose, among them every word that names are made with.
const std::vector<std::string> authors_names{
    "a",      "0",      "1",      "dead-letter", "retry", "repartition", "changelog", "parked",
    "stores", "worker", "replay", "event-time",  "app",   "positions",   "cloudflow", "copies"};

/// Notes a name of `what`; says whose it was before, if it was somebody's.
class taken_names {
public:
  void take(const std::string& name, const std::string& what) {
    const auto [at, is_new] = taken_.emplace(name, what);
    EXPECT_TRUE(is_new || at->second == what) << name << ": " << at->second << " and " << what;
  }

private:
  std::map<std::string, std::string> taken_;
};

TEST(durable_names, of_different_topics_differ_whatever_their_authors_call_things) {
  const durable_names names{"", "app"};
  taken_names topics;
  topics.take(std::string{catalog_topic}, "catalog");
  for (const auto& s : authors_names) {
    topics.take(names.changelog_topic(s), "changelog of " + s);
    topics.take(names.source_dead_letter_topic(s), "dead letters of sources of " + s);
    for (const auto& x : authors_names) {
      topics.take(names.dead_letter_topic(s, x), "dead letters of " + s + " " + x);
      topics.take(names.retry_topic(s, x), "retries of " + s + " " + x);
      topics.take(names.repartition_topic(s, x), "repartition of " + s + " " + x);
    }
  }
}

TEST(durable_names, of_different_stores_differ_and_tell_their_owner) {
  taken_names stores;
  for (const auto name : {registry_store, copies_store}) {
    stores.take(std::string{name}, "common");
    EXPECT_TRUE(belongs_to_no_task(name)) << name;
  }
  const auto take = [&](const std::string& name, const std::string& owner,
                        const std::string& what) {
    stores.take(name, what + " of " + owner);
    EXPECT_EQ(owner_of(name), owner);
    EXPECT_FALSE(belongs_to_no_task(name)) << name;
  };
  for (const auto& s : authors_names) {
    take(event_time_store(s), s, "event time");
    take(positions_store(s), s, "positions");
    for (const auto& x : authors_names) {
      take(state_store(s, x), s, "state " + x);
      take(parked_store(s, x), s, "parked " + x);
    }
  }
}

TEST(durable_names, of_different_producers_differ) {
  const durable_names names{"", "app"};
  taken_names ids;
  const auto take_instance = [&](const std::string& instance) {
    for (const std::size_t n : {0, 1})
      ids.take(names.worker_id(instance, n), "worker " + std::to_string(n) + " of " + instance);
    for (const auto& s : authors_names)
      ids.take(names.stores_id(s, instance), "stores of " + s + " in " + instance);
  };
  take_instance("");
  for (const auto& s : authors_names) {
    ids.take(names.replay_id(s), "replay of " + s);
    take_instance(s);  // a replay
    for (const auto* ordinal : {".0", ".1"}) take_instance(s + ordinal);
    for (const auto& x : authors_names)
      ids.take(names.dead_letters_id(s, x), "dead letters of " + s + " " + x);
    for (const auto& x : authors_names)
      ids.take(names.offsets_id(s, x), "offsets of " + s + " " + x);
    ids.take(names.send_id(s), "records sent to " + s);
  }
  for (const auto& id : {names.worker_id("s.0", 1), names.send_id("t"), names.offsets_id("s", "i")})
    EXPECT_TRUE(id.starts_with(names.transactional_id_prefix())) << id;
}

TEST(durable_names, of_groups_are_those_of_2_3_and_tell_their_streamlet) {
  const durable_names names{"test.", "app"};
  EXPECT_EQ(names.group("parser", "lines"), "test.app.parser.lines");
  EXPECT_EQ(names.streamlet_of_group("test.app.parser.lines"), "parser");
  EXPECT_EQ(names.streamlet_of_group("test.app.parser"), "");
  EXPECT_EQ(names.streamlet_of_group("test.apple.parser.lines"), "");
  EXPECT_EQ(names.streamlet_of_group("app.parser.lines"), "");
}

}  // namespace
}  // namespace cloudflow::pubsub
