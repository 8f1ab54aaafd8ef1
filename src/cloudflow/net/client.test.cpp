#include "cloudflow/net/client.hpp"

#include "cloudflow/net/servers.test.hpp"
#include "cloudflow/net/slow_names.test.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <stdexcept>
#include <thread>
#include <vector>

namespace cloudflow::net {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using std::chrono::steady_clock;
using testing::ElementsAre;
using testing::HasSubstr;

static_assert(!std::is_copy_constructible_v<client>);

const test_servers& servers() { return test_servers::running(); }

class net_client : public testing::Test {
protected:
  /// The number of the connection on which a request came, as the server counts.
  int connection_of(const request& what) {
    const auto got = client_.send(what);
    EXPECT_TRUE(got) << got.error().message;
    return got ? json::parse(got->body)["connection"].get<int>() : 0;
  }
  void wait_for(std::string_view event) {
    client other;
    EXPECT_TRUE(other.send(servers().get("plain", fmt::format("/wait?for={}", event))));
  }
  client client_;
};

// -- connections ---

TEST_F(net_client, uses_a_connection_again) {
  for (const auto* server : {"plain", "tls_server"}) {
    const auto get = servers().get(server, "/echo");
    EXPECT_EQ(connection_of(get), connection_of(get)) << server;
  }
}

TEST_F(net_client, has_a_connection_for_each_client_certificate_and_each_authority) {
  auto get = servers().get("tls_client", "/echo");
  const auto of = [](const char* name) {
    return client_identity{pem_file{servers().file(fmt::format("{}.pem", name))},
                           pem_file{servers().file(fmt::format("{}.key", name))}};
  };
  get.tls.identity = of("client");
  const auto first = connection_of(get);
  EXPECT_EQ(connection_of(get), first);
  get.tls.identity = of("server");
  EXPECT_NE(connection_of(get), first);
  get.tls.identity = of("stranger");
  EXPECT_FALSE(client_.send(get));
  get.tls.identity = of("client");
  get.tls.authority = pem_file{servers().file("other_ca.pem")};
  EXPECT_FALSE(client_.send(get));
}

TEST_F(net_client, has_a_connection_for_each_server_name) {
  auto get = servers().get("tls_other_name", "/echo");
  get.tls.server_name = "other.test";
  const auto first = connection_of(get);
  get.tls.server_name = "else.test";
  EXPECT_NE(connection_of(get), first);
  get.tls.server_name = "wrong.test";
  EXPECT_FALSE(client_.send(get));
}

TEST_F(net_client, notices_that_an_idle_connection_was_closed) {
  for (const auto* method : {"GET", "POST"}) {
    auto what = servers().get("plain", "/then-close");
    const auto first = connection_of(what);
    wait_for("closed");
    what.method = method;
    EXPECT_NE(connection_of(what), first);
    wait_for("closed");
  }
}

TEST_F(net_client, repeats_a_get_whose_connection_ends_when_it_is_used_again) {
  const auto first = connection_of(servers().get("plain", "/then-vanish"));
  EXPECT_NE(connection_of(servers().get("plain", "/echo")), first);
}

TEST_F(net_client, does_not_repeat_a_post_that_may_have_arrived) {
  connection_of(servers().get("plain", "/then-vanish"));
  auto post = servers().get("plain", "/echo");
  post.method = "POST";
  const auto got = client_.send(post);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, errc::connection_broken);
  EXPECT_TRUE(got.error().may_have_arrived());
  EXPECT_TRUE(client_.send(post));
}

TEST_F(net_client, serves_several_threads_at_once) {
  const auto get = servers().get("tls_server", "/echo");
  std::vector<std::jthread> threads;
  std::atomic<int> good = 0;
  for (int i = 0; i != 12; ++i)
    threads.emplace_back([&] {
      for (int k = 0; k != 5; ++k) good += client_.send(get).has_value() ? 1 : 0;
    });
  threads.clear();
  EXPECT_EQ(good, 60);
}

// -- streams ---

TEST_F(net_client, gives_lines_as_they_come) {
  client other;
  std::vector<std::string> pieces;
  const auto got =
      client_.stream(servers().get("plain", "/lines?count=3"), {},
                     [&](const response& head, std::string_view piece) {
                       EXPECT_EQ(head.status, 200);
                       pieces.emplace_back(piece);
                       // The next line comes only when this one has.
                       EXPECT_TRUE(piece.empty() || other.send(servers().get("plain", "/release")));
                       return after_piece::go_on;
                     });
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_THAT(pieces, ElementsAre("", "line 0\n", "line 1\n", "line 2\n"));
  EXPECT_TRUE(got->is_complete);
  EXPECT_EQ(got->body, "");
}

TEST_F(net_client, ends_a_stream_when_its_receiver_says_so) {
  const auto got = client_.stream(servers().get("plain", "/flood"), {},
                                  [&](const response&, std::string_view piece) {
                                    return piece.empty() ? after_piece::go_on : after_piece::stop;
                                  });
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->status, 200);
  EXPECT_FALSE(got->is_complete);
}

TEST_F(net_client, keeps_the_body_of_a_stream_that_was_refused) {
  const auto got = client_.stream(servers().get("plain", "/status?code=410&body=gone"), {},
                                  [](const response&, std::string_view) {
                                    ADD_FAILURE() << "not for a receiver";
                                    return after_piece::go_on;
                                  });
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->status, 410);
  EXPECT_EQ(got->body, "gone");
}

TEST_F(net_client, says_that_a_stream_was_broken) {
  std::string all;
  const auto got = client_.stream(servers().get("plain", "/short"), {},
                                  [&](const response&, std::string_view piece) {
                                    all += piece;
                                    return after_piece::go_on;
                                  });
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, errc::connection_broken);
  EXPECT_EQ(all, "not a hundred");
}

TEST_F(net_client, has_no_limit_for_what_it_does_not_keep) {
  auto get = servers().get("plain", "/sized?bytes=5000000");
  get.limits.body_bytes = 10;
  std::size_t size = 0;
  const auto got = client_.stream(get, {}, [&](const response&, std::string_view piece) {
    size += piece.size();
    return after_piece::go_on;
  });
  EXPECT_TRUE(got);
  EXPECT_EQ(size, 5'000'000u);
}

TEST_F(net_client, ends_a_stream_that_says_nothing_for_too_long_and_no_other) {
  auto get = servers().get("plain", "/drip?times=10&every_ms=60");
  get.timeouts = {.total = std::nullopt, .idle = 500ms};
  const auto ignore = [](const response&, std::string_view) { return after_piece::go_on; };
  const auto dripped = client_.stream(get, {}, ignore);
  ASSERT_FALSE(dripped);
  EXPECT_EQ(dripped.error().code, errc::connection_broken) << dripped.error().message;
  get.url = servers().url("plain", "/stall");
  get.timeouts.idle = 100ms;
  const auto stalled = client_.stream(get, {}, ignore);
  ASSERT_FALSE(stalled);
  EXPECT_EQ(stalled.error().code, errc::idle_timeout) << stalled.error().message;
}

TEST_F(net_client, hands_on_what_its_receiver_throws_and_goes_on) {
  const auto throwing = [](const response&, std::string_view) -> after_piece {
    throw std::runtime_error{"no more"};
  };
  const auto get = servers().get("plain", "/echo");
  EXPECT_THROW(client_.stream(get, {}, throwing).ignore("it throws"), std::runtime_error);
  EXPECT_TRUE(client_.send(get));
}

// -- cancel ---

/// A call on a thread of its own, which is cancelled when it is known to wait.
class cancelled_call {
public:
  explicit cancelled_call(request what, body_receiver receive = {})
    : receive_(std::move(receive)),
      running_(std::async(std::launch::async, [this, what = std::move(what)] {
        auto got = receive_ ? client_.stream(what, stop_.get_token(), receive_)
                            : client_.send(what, stop_.get_token());
        ended_ = steady_clock::now();
        return got;
      })) {}

  void expect_to_end() {
    EXPECT_EQ(running_.wait_for(20ms), std::future_status::timeout);
    const auto cancelled = steady_clock::now();
    stop_.request_stop();
    const auto got = running_.get();
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().code, errc::cancelled) << got.error().message;
    // 100 ms are promised; the rest is for a machine that is busy.
    EXPECT_LT(ended_ - cancelled, 500ms);
    EXPECT_TRUE(client_.send(servers().get("plain", "/echo")));
  }

private:
  client client_;
  std::stop_source stop_;
  body_receiver receive_;
  steady_clock::time_point ended_;
  std::future<result<response>> running_;
};

TEST_F(net_client, is_cancelled_before_it_begins) {
  std::stop_source stop;
  stop.request_stop();
  const auto got = client_.send(servers().get("plain", "/echo"), stop.get_token());
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, errc::cancelled);
}

TEST_F(net_client, is_cancelled_while_it_looks_up_a_name) {
  cancelled_call call{{.url = "http://slow.test/", .proxy = no_proxy{}}};
  slow_names::all().wait_until_asked();
  call.expect_to_end();
  slow_names::all().release();
}

TEST_F(net_client, gives_up_a_name_that_is_looked_up_for_too_long) {
  const auto got = client_.send(
      {.url = "http://slow.test/", .timeouts = {.connect = 50ms}, .proxy = no_proxy{}});
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, errc::connect_timeout) << got.error().message;
  slow_names::all().release();
}

TEST_F(net_client, is_cancelled_while_it_connects) {
  cancelled_call{servers().get("full", "/")}.expect_to_end();
}

TEST_F(net_client, is_cancelled_in_the_tls_handshake) {
  auto get = servers().get("held", "/");
  get.url = fmt::format("https://localhost:{}/", servers().port("held"));
  cancelled_call call{get};
  wait_for("held");
  call.expect_to_end();
}

TEST_F(net_client, is_cancelled_while_a_proxy_connects) {
  auto get = servers().get("tls_server", "/");
  get.proxy = proxy_at{fmt::format("http://127.0.0.1:{}", servers().port("held"))};
  cancelled_call call{get};
  wait_for("held");
  call.expect_to_end();
}

TEST_F(net_client, is_cancelled_while_it_waits_for_a_response) {
  cancelled_call call{servers().get("plain", "/silent")};
  wait_for("silent");
  call.expect_to_end();
}

TEST_F(net_client, is_cancelled_between_two_pieces) {
  std::promise<void> begun;
  cancelled_call call{servers().get("tls_server", "/stall"),
                      [&](const response&, std::string_view piece) {
                        if (!piece.empty()) begun.set_value();
                        return after_piece::go_on;
                      }};
  begun.get_future().get();
  call.expect_to_end();
}

TEST_F(net_client, is_cancelled_in_a_flood) {
  cancelled_call{servers().get("plain", "/flood"),
                 [](const response&, std::string_view) { return after_piece::go_on; }}
      .expect_to_end();
}

}  // namespace
}  // namespace cloudflow::net
