#include "cloudflow/pubsub/routed_log.hpp"

#include "cloudflow/pubsub/durable_names.hpp"
#include "cloudflow/pubsub/forwarding.test.hpp"

#include <gmock/gmock.h>

#include <vector>

namespace cloudflow::pubsub {
namespace {

using testing::ElementsAre;

TEST(routed_log, passes_every_call_on) {
  expect_everything_forwarded([](backend& log) -> std::unique_ptr<backend> {
    return std::make_unique<routed_log>(routes{.logs = {&log}, .topics = {}, .streamlets = {}});
  });
}

/// Has one value in each store, and answers with errors once it is broken.
class small_log final : public counting_backend {
public:
  explicit small_log(std::string key) : key_(std::move(key)) {}
  bool is_broken = false;

  result<std::unique_ptr<producer>> open_producer(const producer_options& options) override {
    if (is_broken) return broken();
    return counting_backend::open_producer(options);
  }
  result<void> scan(
      std::string_view, partition_id, std::string_view,
      const std::function<bool(std::string_view, std::string_view)>& f) const override {
    if (is_broken) return broken();
    f(key_, "value");
    return {};
  }

private:
  static error broken() { return {errc::unavailable, "the disk is gone"}; }

  std::string key_;
};

class two_small_logs : public testing::Test {
protected:
  result<std::vector<std::string>> keys_of(std::string_view store) {
    std::vector<std::string> keys;
    auto done = both_.state().scan(store, {}, {}, [&](std::string_view key, std::string_view) {
      keys.emplace_back(key);
      return true;
    });
    if (!done) return std::move(done).error();
    return keys;
  }

  small_log near_{"near"}, far_{"far"};
  routed_log both_{{.logs = {&near_, &far_}, .topics = {}, .streamlets = {{"remote", &far_}}}};
};

TEST_F(two_small_logs, are_scanned_both_for_what_belongs_to_no_streamlet) {
  EXPECT_THAT(keys_of(registry_store).value(), ElementsAre("near", "far"));
  EXPECT_THAT(keys_of("remote.count").value(), ElementsAre("far"));
}

TEST_F(two_small_logs, are_scanned_until_enough_has_been_seen) {
  int seen = 0;
  const auto look_at_one = [&](std::string_view, std::string_view) {
    ++seen;
    return false;
  };
  ASSERT_TRUE(both_.state().scan(registry_store, {}, {}, look_at_one));
  EXPECT_EQ(seen, 1);
}

TEST_F(two_small_logs, do_not_pass_for_scanned_when_one_of_them_fails) {
  near_.is_broken = true;
  EXPECT_EQ(keys_of(registry_store).error().message, "the disk is gone");
}

TEST_F(two_small_logs, say_why_a_commit_cannot_begin) {
  near_.is_broken = true;
  const auto out = both_.open_producer({.transactional_id = "w"}).value();
  record_buffer records;
  transaction changes;
  changes.outputs.push_back({"t", {}, &records});
  EXPECT_EQ(out->commit(changes).error().message, "the disk is gone");
  out->begin(changes);
  EXPECT_EQ(out->outcome()->error().message, "the disk is gone");
  near_.is_broken = false;
  EXPECT_TRUE(out->commit(changes));
}

}  // namespace
}  // namespace cloudflow::pubsub
