#include "cloudflow/pubsub/routed_log.hpp"
#include "cloudflow/pubsub/conformance.hpp"
#include "cloudflow/pubsub/embedded/log.hpp"
#include "cloudflow/pubsub/embedded/test_directory.hpp"

#include <gmock/gmock.h>

namespace cloudflow::pubsub {
namespace {

using testing::HasSubstr;

/// Topics that begin with "far" are in the second log.
class two_logs : public testing::Test {
protected:
  two_logs()
    : near_(open(near_directory_)),
      far_(open(far_directory_)),
      log_({{near_.get(), far_.get()}, {{"far", far_.get()}}, {{"remote", far_.get()}}}) {
    for (const char* topic : {"near", "far"}) EXPECT_TRUE(log_.ensure_topic({.name = topic}));
    records_.append({}, "value");
  }
  std::unique_ptr<embedded::log> open(const embedded::test_directory& where) {
    return embedded::open({.directory = where.path() / "log", .file_system = {}}, time_).value();
  }
  /// One record in each topic, a position in the near one, state in the far one.
  transaction over_both() const {
    transaction changes;
    changes.outputs.push_back({"near", partition_id{0}, &records_});
    changes.outputs.push_back({"far", partition_id{0}, &records_});
    changes.positions.push_back({"g", "near", partition_id{0}, record_offset{7}});
    changes.state.push_back({"remote.count", partition_id{0}, "key", "value"});
    return changes;
  }
  static std::int64_t size_of(const backend& log, const char* topic) {
    return log.topic(topic)->partitions.at(0).end.value();
  }

  const embedded::test_directory near_directory_, far_directory_;
  const system_clock time_;
  std::unique_ptr<embedded::log> near_, far_;
  routed_log log_;
  record_buffer records_;
};

TEST_F(two_logs, each_hold_the_topics_and_the_state_that_are_routed_to_them) {
  const auto out =
      log_.open_producer({.transactional_id = "w", .delivery = guarantee::at_least_once}).value();
  ASSERT_TRUE(out->commit(over_both()));
  EXPECT_EQ(size_of(*near_, "near"), 1);
  EXPECT_EQ(size_of(*far_, "far"), 1);
  EXPECT_FALSE(near_->topic("far"));
  EXPECT_EQ(log_.position("g", {"near", partition_id{0}}).value(), record_offset{7});
  EXPECT_EQ(far_->state().find("remote.count", partition_id{0}, "key").value(), "value");
  EXPECT_EQ(log_.state().find("remote.count", partition_id{0}, "key").value(), "value");
  EXPECT_EQ(log_.topics()->size(), 2u);
}

TEST_F(two_logs, commit_in_the_background_as_well) {
  const auto out =
      log_.open_producer({.transactional_id = "w", .delivery = guarantee::at_least_once}).value();
  out->begin(over_both());
  const auto done = out->outcome();
  ASSERT_TRUE(done && *done);
  EXPECT_EQ(size_of(*far_, "far"), 1);
  EXPECT_EQ(log_.position("g", {"near", partition_id{0}}).value(), record_offset{7});
}

TEST_F(two_logs, take_nothing_for_processed_whose_output_failed) {
  const auto out =
      log_.open_producer({.transactional_id = "w", .delivery = guarantee::at_least_once}).value();
  auto changes = over_both();
  changes.outputs.push_back({"far", partition_id{9}, &records_});
  changes.state.clear();
  ASSERT_FALSE(out->commit(changes));
  EXPECT_EQ(log_.position("g", {"near", partition_id{0}}).value(), std::nullopt);
  out->begin(changes);
  EXPECT_FALSE(*out->outcome());
  EXPECT_EQ(log_.position("g", {"near", partition_id{0}}).value(), std::nullopt);
}

TEST_F(two_logs, show_what_belongs_to_no_task_from_both) {
  const auto put = [](backend& log, const char* key) {
    transaction changes;
    changes.state.push_back({registry_store, {}, key, "value"});
    return log.open_producer({.transactional_id = "w"}).value()->commit(changes);
  };
  ASSERT_TRUE(put(*near_, "here.count"));
  ASSERT_TRUE(put(*far_, "remote.count"));
  std::vector<std::string> keys;
  ASSERT_TRUE(log_.state().scan(registry_store, {}, {}, [&](std::string_view key, auto) {
    keys.emplace_back(key);
    return true;
  }));
  EXPECT_EQ(keys, (std::vector<std::string>{"here.count", "remote.count"}));
}

TEST_F(two_logs, refuse_to_be_exactly_once_together) {
  const auto out = log_.open_producer({.transactional_id = "w"}).value();
  const auto refused = out->commit(over_both());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, errc::unsupported);
  EXPECT_THAT(refused.error().message, HasSubstr("at-least-once"));
  EXPECT_EQ(size_of(*near_, "near"), 0);
  transaction alone;
  alone.outputs.push_back({"far", partition_id{0}, &records_});
  EXPECT_TRUE(out->commit(alone));
}

TEST_F(two_logs, both_know_every_schema) {
  const std::string fingerprint(32, 'f');
  ASSERT_TRUE(log_.schemas().put(fingerprint, "text"));
  EXPECT_EQ(near_->schemas().find(fingerprint).value(), "text");
  EXPECT_EQ(far_->schemas().find(fingerprint).value(), "text");
  EXPECT_EQ(log_.schemas().find(fingerprint).value(), "text");
}

}  // namespace
}  // namespace cloudflow::pubsub
