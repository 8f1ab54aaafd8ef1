#include "cloudflow/kube/object_cache.hpp"

#include "cloudflow/kube/fake_api.test.hpp"

#include <algorithm>

namespace cloudflow::kube {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::ElementsAre;

class kube_cache : public testing::Test {
protected:
  void begin(std::chrono::milliseconds first_delay = 1ms) {
    cache_ = std::make_unique<object_cache>(
        api_, pods,
        object_cache_options{.first_delay = first_delay, .longest_delay = 10ms, .seed = 1},
        logger{make_null_sink(), "test"}, [this](const change& c) {
          constexpr const char* names[] = {"added", "updated", "deleted", "synced"};
          changes_.add(fmt::format("{} {}", names[static_cast<int>(c.type)], c.key.name));
        });
  }
  void put(std::string_view name) {
    EXPECT_TRUE(api_.apply(pods, pod(name), {.field_manager = "test"}));
  }
  /// What the cache has asked for so far, of what begins so.
  std::ptrdiff_t count_of(std::string_view begin) {
    for (auto& one : server_.requests()) requests_.push_back(std::move(one));
    return std::ranges::count_if(requests_,
                                 [&](const auto& one) { return one.starts_with(begin); });
  }
  void wait_for_watch(std::ptrdiff_t number) {
    while (count_of(watching) < number) std::this_thread::yield();
  }
  static constexpr std::string_view watching = "GET /api/v1/pods?watch=1",
                                    listing = "GET /api/v1/pods?limit=";
  fake_api server_;
  client api_{server_.plain()};
  journal changes_;
  std::vector<std::string> requests_;
  std::unique_ptr<object_cache> cache_;
};

TEST_F(kube_cache, delivers_what_is_there_then_what_changes) {
  put("a");
  put("b");
  begin();
  EXPECT_THAT(changes_.take(3), ElementsAre("added a", "added b", "synced "));
  EXPECT_TRUE(cache_->has_synced());
  put("c");
  put("a");
  EXPECT_TRUE(api_.remove(pods, {"n", "b"}));
  EXPECT_THAT(changes_.take(3), ElementsAre("added c", "updated a", "deleted b"));
  EXPECT_EQ(cache_->all().size(), 2u);
  EXPECT_EQ(cache_->find({"n", "c"})->name(), "c");
  EXPECT_EQ(cache_->find({"n", "b"}), nullptr);
  EXPECT_FALSE(cache_->failure());
}

TEST_F(kube_cache, goes_on_where_it_was_when_a_watch_ends_or_breaks) {
  begin();
  EXPECT_THAT(changes_.take(1), ElementsAre("synced "));
  wait_for_watch(1);
  server_.tell("end");
  put("a");
  EXPECT_THAT(changes_.take(1), ElementsAre("added a"));
  wait_for_watch(2);
  server_.tell("end", {{"cut", true}});
  put("b");
  EXPECT_THAT(changes_.take(1), ElementsAre("added b"));
  EXPECT_EQ(count_of(listing), 1);
}

TEST_F(kube_cache, lists_again_when_it_is_too_old_and_delivers_the_difference) {
  put("a");
  put("b");
  put("c");
  begin();
  EXPECT_THAT(changes_.take(4), ElementsAre("added a", "added b", "added c", "synced "));
  wait_for_watch(1);
  // What happens while it is away is not in the history any more.
  server_.tell("next", json::array({{{"for", "GET /api/v1/pods?watch"}, {"status", 503}},
                                    {{"for", "GET /api/v1/pods?watch"}, {"status", 503}},
                                    {{"for", "GET /api/v1/pods?watch"},
                                     {"status", 410},
                                     {"body", {{"kind", "Status"}, {"reason", "Expired"}}}}}));
  server_.tell("end");
  put("b");
  EXPECT_TRUE(api_.remove(pods, {"n", "c"}));
  server_.tell("forget");
  put("d");
  auto seen = changes_.take(3);
  std::ranges::sort(seen);
  EXPECT_THAT(seen, ElementsAre("added d", "deleted c", "updated b"));
}

TEST_F(kube_cache, goes_on_from_a_bookmark) {
  begin();
  EXPECT_THAT(changes_.take(1), ElementsAre("synced "));
  wait_for_watch(1);
  server_.tell("bookmark");
  server_.tell("end");
  wait_for_watch(2);
  put("a");
  EXPECT_THAT(changes_.take(1), ElementsAre("added a"));
  EXPECT_EQ(count_of(listing), 1);
}

TEST_F(kube_cache, says_why_it_has_not_synced_and_tries_on) {
  server_.tell("token", {{"token", "x"}});
  begin();
  while (!cache_->failure()) std::this_thread::yield();
  EXPECT_EQ(cache_->failure()->code, errc::unauthorized);
  EXPECT_FALSE(cache_->has_synced());
  server_.tell("token", {{"token", nullptr}});
  EXPECT_THAT(changes_.take(1), ElementsAre("synced "));
  EXPECT_FALSE(cache_->failure());
}

TEST_F(kube_cache, waits_as_long_as_the_server_wants) {
  server_.tell("next", json::array({{{"status", 429}, {"headers", {{"Retry-After", "3600"}}}}}));
  begin();
  while (!cache_->failure()) std::this_thread::yield();
  EXPECT_EQ(cache_->failure()->retry_after, 3600s);
  cache_.reset();  // and ends at once
  EXPECT_EQ(count_of("GET"), 1);
}

TEST_F(kube_cache, does_not_hurry_when_each_watch_ends_at_once) {
  begin(1h);
  EXPECT_THAT(changes_.take(1), ElementsAre("synced "));
  wait_for_watch(1);
  server_.tell("end");
  put("a");
  EXPECT_EQ(count_of(watching), 1);
  cache_.reset();
}

TEST(back_off, doubles_up_to_a_bound_and_begins_anew) {
  back_off delays{100ms, 1s, 7};
  for (const auto bound : {100ms, 200ms, 400ms, 800ms, 1000ms, 1000ms}) {
    const auto delay = delays.after_failure();
    EXPECT_LE(delay, bound);
    EXPECT_GE(delay, bound / 2);
  }
  delays.after_success();
  EXPECT_LE(delays.after_failure(), 100ms);
}

}  // namespace
}  // namespace cloudflow::kube
