#include "cloudflow/kube/client.hpp"

#include "cloudflow/kube/fake_api.test.hpp"
#include "cloudflow/kube/internal/status.hpp"

#include <fstream>
#include <future>

namespace cloudflow::kube {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

class kube_client : public testing::Test {
protected:
  errc code_of(const auto& got) {
    EXPECT_FALSE(got);
    return got ? errc::bad_request : got.error().code;
  }
  fake_api server_;
  client api_{server_.plain(), "tests"};
};

TEST_F(kube_client, creates_reads_replaces_and_deletes) {
  const auto created = api_.create(pods, pod("a", {{"x", 1}}), {.field_manager = "me"});
  ASSERT_TRUE(created) << created.error().message;
  EXPECT_EQ(created->name(), "a");
  EXPECT_FALSE(created->uid().empty());
  auto read = api_.get(pods, {"n", "a"});
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, *created);
  read->json()["spec"]["x"] = 2;
  const auto replaced = api_.replace(pods, *read);
  ASSERT_TRUE(replaced) << replaced.error().message;
  EXPECT_EQ(replaced->at("/spec/x"), 2);
  EXPECT_NE(replaced->resource_version(), read->resource_version());
  EXPECT_TRUE(api_.remove(pods, {"n", "a"}));
  EXPECT_EQ(code_of(api_.get(pods, {"n", "a"})), errc::not_found);
  EXPECT_THAT(server_.requests(),
              ElementsAre("POST /api/v1/namespaces/n/pods?fieldManager=me",
                          "GET /api/v1/namespaces/n/pods/a", "PUT /api/v1/namespaces/n/pods/a",
                          "DELETE /api/v1/namespaces/n/pods/a", "GET /api/v1/namespaces/n/pods/a"));
}

TEST_F(kube_client, says_what_it_is_and_what_it_takes) {
  ASSERT_TRUE(api_.create(pods, pod("a")));
  const auto headers = server_.tell("requests")["headers"];
  EXPECT_EQ(headers["user-agent"], "tests");
  EXPECT_EQ(headers["accept"], "application/json");
  EXPECT_EQ(headers["content-type"], "application/json");
}

TEST_F(kube_client, tells_conflicts_from_what_exists) {
  const auto first = api_.create(pods, pod("a"));
  ASSERT_TRUE(first);
  EXPECT_EQ(code_of(api_.create(pods, pod("a"))), errc::already_exists);
  ASSERT_TRUE(api_.merge_patch(pods, {"n", "a"}, {{"spec", {{"x", 1}}}}));
  const auto late = api_.replace(pods, *first);
  EXPECT_EQ(code_of(late), errc::conflict);
  EXPECT_THAT(late.error().message, StartsWith("replace pods n/a: the object has been modified"));
}

TEST_F(kube_client, deletes_only_what_was_meant) {
  const auto first = api_.create(pods, pod("a"));
  ASSERT_TRUE(first);
  EXPECT_EQ(code_of(api_.remove(pods, {"n", "a"}, {.uid = "another"})), errc::conflict);
  EXPECT_EQ(code_of(api_.remove(pods, {"n", "a"}, {.resource_version = "1"})), errc::conflict);
  EXPECT_TRUE(api_.remove(pods, {"n", "a"},
                          {.uid = std::string{first->uid()},
                           .resource_version = std::string{first->resource_version()},
                           .dependents = propagation::foreground,
                           .grace = std::chrono::seconds{0}}));
}

TEST_F(kube_client, applies_and_patches_with_their_media_types) {
  ASSERT_TRUE(api_.apply(pods, pod("a", {{"x", 1}}), {.field_manager = "me", .is_forced = true}));
  EXPECT_EQ(server_.tell("requests")["headers"]["content-type"], "application/apply-patch+yaml");
  const auto patched = api_.merge_patch(pods, {"n", "a"}, {{"spec", {{"x", nullptr}, {"y", 2}}}},
                                        {.is_dry_run = true});
  ASSERT_TRUE(patched) << patched.error().message;
  EXPECT_EQ(patched->json()["spec"], (json{{"y", 2}}));
  const auto status = api_.apply(pods,
                                 object{{{"metadata", {{"name", "a"}, {"namespace", "n"}}},
                                         {"spec", {{"y", 9}}},
                                         {"status", {{"ready", true}}}}},
                                 {.field_manager = "me", .subresource = "status"});
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(status->at("/spec/y"), 2);
  EXPECT_EQ(status->at("/status/ready"), true);
  EXPECT_THAT(server_.requests(),
              ElementsAre("PATCH /api/v1/namespaces/n/pods/a?dryRun=All",
                          "PATCH /api/v1/namespaces/n/pods/a/status?fieldManager=me"));
}

TEST_F(kube_client, refuses_what_it_cannot_say) {
  EXPECT_EQ(code_of(api_.get(pods, {"", "a"})), errc::invalid_settings);
  EXPECT_EQ(code_of(api_.get(pods, {"n", ""})), errc::invalid_settings);
  EXPECT_EQ(code_of(api_.apply(pods, pod("a"), {})), errc::invalid_settings);
  EXPECT_EQ(code_of(api_.create(pods, pod("a", {{"x", "\xFF"}}))), errc::invalid_settings);
  EXPECT_THAT(server_.requests(), ElementsAre());
}

TEST_F(kube_client, reads_lists_page_by_page) {
  for (const auto* name : {"a", "b", "c", "d", "e"}) ASSERT_TRUE(api_.create(pods, pod(name)));
  server_.requests();
  const auto listed = api_.list(pods, {.name_space = "n", .label_selector = "app in (x,y)"});
  ASSERT_TRUE(listed) << listed.error().message;
  ASSERT_EQ(listed->items.size(), 5u);
  EXPECT_EQ(listed->items[4].name(), "e");
  EXPECT_EQ(listed->items[4].kind(), "Pod");
  EXPECT_EQ(listed->items[4].api_version(), "v1");
  EXPECT_FALSE(listed->resource_version.empty());
  const auto requests = server_.requests();  // pages of two, whatever is asked for
  ASSERT_EQ(requests.size(), 3u);
  EXPECT_EQ(requests[0],
            "GET /api/v1/namespaces/n/pods?limit=500&labelSelector=app%20in%20%28x%2Cy%29");
}

TEST_F(kube_client, reads_a_list_at_once_when_its_pages_are_too_old) {
  for (const auto* name : {"a", "b", "c"}) ASSERT_TRUE(api_.create(pods, pod(name)));
  server_.requests();
  server_.tell("next", json::array({{{"for", "GET /api/v1/namespaces/n/pods?limit=500&continue="},
                                     {"status", 410},
                                     {"body", {{"kind", "Status"}, {"reason", "Expired"}}}}}));
  const auto listed = api_.list(pods, {.name_space = "n"});
  ASSERT_TRUE(listed) << listed.error().message;
  EXPECT_EQ(listed->items.size(), 3u);
  EXPECT_EQ(server_.requests().back(), "GET /api/v1/namespaces/n/pods");
}

TEST_F(kube_client, reads_an_empty_list) {
  const auto listed = api_.list(pods, {});
  ASSERT_TRUE(listed) << listed.error().message;
  EXPECT_TRUE(listed->items.empty());
  EXPECT_EQ(server_.requests().back(), "GET /api/v1/pods?limit=500");
}

TEST_F(kube_client, watches_until_the_server_ends_it) {
  const auto begin = api_.list(pods, {})->resource_version;
  journal seen;
  auto watched = std::async(std::launch::async, [&] {
    return api_.watch(pods, {.resource_version = begin}, {}, [&](const watch_event& event) {
      seen.add(fmt::format("{} {}", static_cast<int>(event.type), event.object.name()));
      return after_event::go_on;
    });
  });
  ASSERT_TRUE(api_.create(pods, pod("a")));
  ASSERT_TRUE(api_.merge_patch(pods, {"n", "a"}, {{"spec", {{"x", 1}}}}));
  ASSERT_TRUE(api_.remove(pods, {"n", "a"}));
  EXPECT_THAT(seen.take(3), ElementsAre("0 a", "1 a", "2 a"));
  server_.tell("bookmark");
  EXPECT_THAT(seen.take(1), ElementsAre("3 "));
  server_.tell("end");
  const auto ended = watched.get();
  EXPECT_TRUE(ended) << ended.error().message;
}

TEST_F(kube_client, says_that_a_watch_is_too_old_before_it_begins_and_later) {
  const auto begin = api_.list(pods, {})->resource_version;
  const auto ignore = [](const watch_event&) { return after_event::go_on; };
  auto watched = std::async(std::launch::async, [&] {
    return api_.watch(pods, {.resource_version = begin}, {}, ignore);
  });
  while (server_.requests().empty()) std::this_thread::yield();
  server_.tell("forget");
  EXPECT_EQ(code_of(watched.get()), errc::expired);
  EXPECT_EQ(code_of(api_.watch(pods, {.resource_version = begin}, {}, ignore)), errc::expired);
}

TEST_F(kube_client, ends_a_watch_when_it_is_cancelled_broken_or_not_wanted_any_more) {
  std::stop_source stop;
  const auto stopping = [&](const watch_event&) {
    stop.request_stop();
    return after_event::go_on;
  };
  const auto begin = api_.list(pods, {})->resource_version;
  ASSERT_TRUE(api_.create(pods, pod("a")));
  const watch_options from_begin{.resource_version = begin};
  EXPECT_EQ(code_of(api_.watch(pods, from_begin, stop.get_token(), stopping)), errc::cancelled);
  EXPECT_TRUE(
      api_.watch(pods, from_begin, {}, [](const watch_event&) { return after_event::stop; }));
  const auto cutting = [&](const watch_event&) {
    server_.tell("end", {{"cut", true}});
    return after_event::go_on;
  };
  EXPECT_EQ(code_of(api_.watch(pods, from_begin, {}, cutting)), errc::interrupted);
}

TEST_F(kube_client, does_not_believe_a_watch_that_is_none) {
  const auto ignore = [](const watch_event&) { return after_event::go_on; };
  for (const auto* line : {"no JSON\n", "[]\n",
                           R"({"type":"ADDED"})"
                           "\n",
                           R"({"type":"NEW","object":{}})"
                           "\n",
                           R"({"type":1,"object":{}})"
                           "\n"}) {
    server_.tell("next", json::array({{{"status", 200}, {"body", line}}}));
    EXPECT_EQ(code_of(api_.watch(pods, {}, {}, ignore)), errc::malformed_response) << line;
  }
  server_.tell("next", json::array({{{"status", 200}, {"body", "{\"type\":\"ADDED\""}}}));
  EXPECT_TRUE(api_.watch(pods, {}, {}, ignore));
}

TEST_F(kube_client, reads_a_log_as_it_comes) {
  std::string all;
  const auto read =
      api_.read_log({"n", "a"}, {.container = "c", .is_followed = true, .last_lines = 5}, {},
                    [&](std::string_view piece) {
                      all += piece;
                      if (all == "first\n") server_.tell("end");
                      return after_event::go_on;
                    });
  EXPECT_TRUE(read) << read.error().message;
  EXPECT_EQ(all, "first\nlast\n");
  EXPECT_EQ(server_.requests().back(),
            "GET /api/v1/namespaces/n/pods/a/log?container=c&follow=true&tailLines=5");
}

TEST_F(kube_client, says_what_is_wrong_on_the_way) {
  const object_key key{"n", "a"};
  auto elsewhere = server_.plain();
  elsewhere.server = "http://127.0.0.1:1";
  EXPECT_EQ(code_of(client{elsewhere}.get(pods, key)), errc::unreachable);
  auto mistrusted = server_.secured();
  mistrusted.tls.authority = net::pem_file{server_.file("other_ca.pem")};
  EXPECT_EQ(code_of(client{mistrusted}.get(pods, key)), errc::untrusted);
  EXPECT_EQ(code_of(client{server_.secured()}.get(pods, key)), errc::not_found);
  server_.tell("next", json::array({{{"status", 200}, {"body", "<html>"}}, {{"cut", true}}}));
  EXPECT_EQ(code_of(api_.get(pods, key)), errc::malformed_response);
  EXPECT_EQ(code_of(api_.create(pods, pod("a"))), errc::interrupted);
}

TEST(kube_errors, are_what_the_server_means) {
  std::ifstream in{CLOUDFLOW_SOURCE_DIR "/src/cloudflow/kube/testdata/errors.json"};
  const auto cases = json::parse(in);
  for (const auto& one : cases) {
    SCOPED_TRACE(one["name"].get<std::string>());
    net::response answer{.status = one["status"]};
    answer.body = one["body"].is_string() ? one["body"].get<std::string>() : one["body"].dump();
    const auto headers = one.value("headers", json::object());
    for (const auto& [name, value] : headers.items()) answer.headers.push_back({name, value});
    const auto got = internal::error_of(answer, "call");
    const auto& wanted = one["expect"];
    EXPECT_EQ(name_of(got.code), wanted["code"].get<std::string>());
    EXPECT_EQ(got.message, wanted.value("message", got.message));
    EXPECT_EQ(got.is_retriable(), wanted.value("retriable", false));
    EXPECT_EQ(got.retry_after.value_or(std::chrono::seconds{0}).count(),
              wanted.value("retry_after", 0));
    std::vector<error_cause> causes;
    const auto wanted_causes = wanted.value("causes", json::array());
    for (const auto& cause : wanted_causes) causes.push_back({cause[0], cause[1]});
    EXPECT_EQ(got.causes, causes);
  }
}

}  // namespace
}  // namespace cloudflow::kube
