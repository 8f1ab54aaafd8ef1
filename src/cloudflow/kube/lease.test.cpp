#include "cloudflow/kube/lease.hpp"

#include "cloudflow/kube/fake_api.test.hpp"

#include <future>

namespace cloudflow::kube {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

const resource leases{.group = "coordination.k8s.io", .version = "v1", .plural = "leases"};

class kube_lease : public testing::Test {
protected:
  lease of(std::string identity) {
    return {
        api_, {.key = {"n", "leader"}, .identity = std::move(identity), .duration = 15s}, time_};
  }
  static bool holds(lease& one) {
    const auto got = one.hold();
    EXPECT_TRUE(got) << got.error().message;
    return got && *got;
  }
  object stored() { return api_.get(leases, {"n", "leader"}).value(); }

  fake_api server_;
  client api_{server_.plain()};
  virtual_clock time_;
};

TEST_F(kube_lease, is_held_by_one) {
  auto one = of("one"), other = of("other");
  EXPECT_TRUE(holds(one));
  EXPECT_FALSE(holds(other));
  EXPECT_TRUE(one.is_held());
  EXPECT_FALSE(other.is_held());
  EXPECT_EQ(other.holder(), "one");
  const auto spec = stored().at("/spec");
  EXPECT_EQ(spec["holderIdentity"], "one");
  EXPECT_EQ(spec["leaseDurationSeconds"], 15);
  EXPECT_EQ(spec["leaseTransitions"], 0);
  EXPECT_EQ(spec["acquireTime"], "2023-11-14T22:13:20.000000Z");
}

TEST_F(kube_lease, stays_with_who_renews_it) {
  auto one = of("one"), other = of("other");
  EXPECT_TRUE(holds(one));
  for (int i = 0; i != 5; ++i) {
    time_.advance(10s);
    EXPECT_TRUE(holds(one));
    EXPECT_FALSE(holds(other));
  }
  EXPECT_EQ(stored().text("/spec/acquireTime"), "2023-11-14T22:13:20.000000Z");
  EXPECT_EQ(stored().text("/spec/renewTime"), "2023-11-14T22:14:10.000000Z");
}

TEST_F(kube_lease, is_lost_by_who_does_not_and_taken_over_when_it_has_not_changed_for_so_long) {
  auto one = of("one"), other = of("other");
  EXPECT_TRUE(holds(one));
  time_.advance(14s);
  EXPECT_TRUE(one.is_held());
  EXPECT_FALSE(holds(other));  // sees it for the first time: counts from now
  time_.advance(1s);
  EXPECT_FALSE(one.is_held());
  EXPECT_FALSE(holds(other));
  time_.advance(14s);
  EXPECT_TRUE(holds(other));
  EXPECT_FALSE(holds(one));
  EXPECT_EQ(stored().at("/spec/leaseTransitions"), 1);
}

TEST_F(kube_lease, is_free_at_once_when_it_is_given_back) {
  auto one = of("one"), other = of("other");
  EXPECT_TRUE(holds(one));
  EXPECT_TRUE(one.release());
  EXPECT_FALSE(one.is_held());
  EXPECT_TRUE(holds(other));
  EXPECT_TRUE(one.release());  // does nothing
  EXPECT_TRUE(other.is_held());
  EXPECT_FALSE(holds(one));
}

TEST_F(kube_lease, holds_on_through_failures_for_as_long_as_it_lasts) {
  auto one = of("one");
  EXPECT_TRUE(holds(one));
  time_.advance(5s);
  server_.tell("next", json::array({{{"status", 500}}, {{"status", 503}}}));
  EXPECT_FALSE(one.hold());
  EXPECT_TRUE(one.is_held());
  EXPECT_EQ(one.left(), 10s);
  EXPECT_FALSE(one.hold());
  EXPECT_TRUE(one.release());
  EXPECT_EQ(stored().text("/spec/holderIdentity"), "");
}

TEST_F(kube_lease, of_two_who_take_it_at_once_one_gets_it) {
  auto one = of("one");
  // Another one creates it between our look and our own attempt.
  server_.tell("next",
               json::array({{{"for", "POST"},
                             {"status", 409},
                             {"body", {{"kind", "Status"}, {"reason", "AlreadyExists"}}}}}));
  EXPECT_FALSE(holds(one));
  EXPECT_TRUE(holds(one));
}

TEST_F(kube_lease, is_not_ended_by_another_change_of_it) {
  auto one = of("one");
  EXPECT_TRUE(holds(one));
  ASSERT_TRUE(
      api_.merge_patch(leases, {"n", "leader"}, {{"metadata", {{"annotations", {{"a", "b"}}}}}}));
  time_.advance(5s);
  EXPECT_TRUE(holds(one));  // conflict: still held, to be renewed with the next attempt
  EXPECT_EQ(one.left(), 10s);
  EXPECT_TRUE(holds(one));
  EXPECT_EQ(one.left(), 15s);
}

// -- leading, in real time ---

class kube_leader : public kube_lease {
protected:
  static constexpr leader_options quick{.every = 5ms, .renew_within = 150ms};
  lease real(std::string identity) {
    return {
        api_, {.key = {"n", "leader"}, .identity = std::move(identity), .duration = 1s}, clock_};
  }
  logger log_{make_null_sink(), "test"};
  system_clock clock_;
};

void wait_for_stop(const std::stop_token& stop) {
  while (!stop.stop_requested()) std::this_thread::yield();
}

TEST_F(kube_leader, leads_until_it_is_stopped_and_gives_the_lease_back) {
  auto one = real("one");
  std::stop_source stop;
  int led = 0;
  EXPECT_FALSE(
      lead_while_held(one, quick, log_, stop.get_token(), [&](const std::stop_token& over) {
        ++led;
        stop.request_stop();
        wait_for_stop(over);
      }));
  EXPECT_EQ(led, 1);
  EXPECT_EQ(stored().text("/spec/holderIdentity"), "");
}

TEST_F(kube_leader, ends_when_there_is_nothing_to_lead_any_more) {
  auto one = real("one");
  EXPECT_FALSE(lead_while_held(one, quick, log_, {}, [](const std::stop_token&) {}));
  EXPECT_FALSE(one.is_held());
}

TEST_F(kube_leader, does_not_lead_when_it_is_stopped_before) {
  auto one = real("one"), other = real("other");
  EXPECT_TRUE(holds(other));
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(lead_while_held(one, quick, log_, stop.get_token(),
                               [](const std::stop_token&) { ADD_FAILURE(); }));
}

TEST_F(kube_leader, stops_leading_when_another_one_has_it) {
  auto one = real("one");
  EXPECT_TRUE(lead_while_held(one, quick, log_, {}, [&](const std::stop_token& over) {
    EXPECT_TRUE(api_.merge_patch(leases, {"n", "leader"}, {{"spec", {{"holderIdentity", "x"}}}}));
    wait_for_stop(over);
  }));
  EXPECT_EQ(stored().text("/spec/holderIdentity"), "x");
}

TEST_F(kube_leader, stops_leading_before_the_lease_ends_when_it_cannot_renew) {
  auto one = real("one");
  EXPECT_TRUE(lead_while_held(one, quick, log_, {}, [&](const std::stop_token& over) {
    server_.tell("token", {{"token", "nobody knows"}});
    wait_for_stop(over);
    EXPECT_TRUE(one.is_held());
  }));
}

}  // namespace
}  // namespace cloudflow::kube
