#include "cloudflow/connect/http/server.hpp"

#include "cloudflow/net/client.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

namespace cloudflow::connect {
namespace {

using namespace std::chrono_literals;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

static_assert(std::is_nothrow_move_constructible_v<http_responder>);
static_assert(!std::is_copy_constructible_v<http_responder>);

constexpr auto patience = 10s;  // for what must happen; a test that waits so long has failed

/// Keeps the requests, to be answered by the test.
class keeping_handler final : public http_handler {
public:
  struct kept {
    http_request request;
    http_responder responder;
  };
  void handle(http_request request, http_responder responder) override {
    const std::lock_guard lock{mutex_};
    kept_.push_back({std::move(request), std::move(responder)});
    came_.notify_all();
  }
  std::optional<kept> take() {
    std::unique_lock lock{mutex_};
    if (!came_.wait_for(lock, patience, [this] { return !kept_.empty(); })) return std::nullopt;
    auto first = std::move(kept_.front());
    kept_.erase(kept_.begin());
    return first;
  }

private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::vector<kept> kept_;
};

/// A connection on which a test says exactly what is sent.
class raw_client {
public:
  explicit raw_client(std::uint16_t port) : socket_(io_) {
    socket_.connect({boost::asio::ip::make_address("127.0.0.1"), port});
  }
  void send(std::string_view bytes) { boost::asio::write(socket_, boost::asio::buffer(bytes)); }
  /// Up to and with `end`.
  std::string read_until(std::string_view end) {
    std::string got;
    char c = 0;
    boost::system::error_code ec;
    while (!got.ends_with(end) && boost::asio::read(socket_, boost::asio::buffer(&c, 1), ec) == 1)
      got += c;
    return got;
  }
  /// All until the server closes.
  std::string read_all() { return read_until(std::string(1, '\0') + "never"); }

private:
  boost::asio::io_context io_;
  boost::asio::ip::tcp::socket socket_;
};

logger quiet() { return {make_null_sink(), "http"}; }

class http_server_test : public testing::Test {
protected:
  void serve(http_server_options options = {}) {
    options.address = "127.0.0.1";
    auto echo = make_http_handler([](const http_request& r) {
      return http_response{.body = r.method + " " + r.path + " " + r.query + " " + r.body,
                           .content_type = std::string{header_of(r.headers, "content-TYPE")},
                           .headers = {{"X-Seen", std::string{header_of(r.headers, "X-Sent")}}}};
    });
    auto throwing = make_http_handler(
        [](const http_request&) -> http_response { throw std::runtime_error{"no"}; });
    auto opened = http_server::open(options,
                                    {{"POST", "/echo", echo},
                                     {"GET", "/echo", echo},
                                     {"POST", "/later", later_},
                                     {"GET", "/throw", throwing}},
                                    quiet());
    ASSERT_TRUE(opened) << opened.error().message;
    server_ = std::move(opened).value();
    server_->start();
  }
  net::result<net::response> send(std::string method, std::string_view target,
                                  std::string body = {},
                                  std::chrono::milliseconds total = patience) {
    return client_.send({.method = std::move(method),
                         .url = fmt::format("http://127.0.0.1:{}{}", server_->port(), target),
                         .headers = {{"Content-Type", "text/plain"}},
                         .body = std::move(body),
                         .timeouts = {.total = total},
                         .proxy = net::no_proxy{}});
  }
  int status(std::string_view method, std::string_view target, std::string body = {}) {
    const auto answer = send(std::string{method}, target, std::move(body));
    return answer ? answer->status : -1;
  }
  std::string exchange(std::string_view bytes) {
    raw_client client{server_->port()};
    client.send(bytes);
    return client.read_all();
  }

  std::shared_ptr<keeping_handler> later_ = std::make_shared<keeping_handler>();
  std::unique_ptr<http_server> server_;
  net::client client_;
};

TEST_F(http_server_test, hands_a_request_to_its_route_and_the_answer_to_the_client) {
  serve();
  const auto answer = send("POST", "/echo?a=b", "hello");
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->body, "POST /echo a=b hello");
  EXPECT_EQ(answer->header("Content-Type"), "text/plain");
  EXPECT_EQ(status("GET", "/echo"), 200);
}

TEST_F(http_server_test, answers_404_for_a_path_and_405_for_a_method_it_does_not_have) {
  serve();
  EXPECT_EQ(status("GET", "/nowhere"), 404);
  const auto answer = send("DELETE", "/echo");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 405);
  EXPECT_EQ(answer->header("Allow"), "GET, HEAD, POST");
}

TEST_F(http_server_test, answers_head_as_get_without_a_body) {
  serve();
  const auto answer = exchange("HEAD /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("Content-Length: 12\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n"));
}

TEST_F(http_server_test, answers_400_for_what_is_no_http) {
  serve();
  EXPECT_THAT(exchange("nonsense\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(exchange("GET /echo HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(exchange("GET echo HTTP/1.1\r\nHost: x\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(exchange("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"),
              StartsWith("HTTP/1.1 400 "));
}

TEST_F(http_server_test, answers_413_for_a_body_over_the_limit_however_it_is_sent) {
  serve({.body_limit = 100});
  EXPECT_EQ(status("POST", "/echo", std::string(100, 'x')), 200);
  EXPECT_EQ(status("POST", "/echo", std::string(101, 'x')), 413);
  EXPECT_EQ(status("POST", "/echo", std::string(3'000'000, 'x')), 413);
  EXPECT_THAT(
      exchange("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n" +
               std::string(101, 'x') + "\r\n0\r\n\r\n"),
      StartsWith("HTTP/1.1 413 "));
}

TEST_F(http_server_test, answers_431_for_a_header_over_the_limit) {
  serve({.header_limit = 200});
  EXPECT_THAT(exchange("GET /echo HTTP/1.1\r\nHost: x\r\nX: " + std::string(300, 'x') + "\r\n\r\n"),
              StartsWith("HTTP/1.1 431 "));
}

TEST_F(http_server_test, takes_chunks_and_says_go_on_to_a_client_that_asks) {
  serve();
  EXPECT_THAT(exchange("POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: "
                       "chunked\r\n\r\n"
                       "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"),
              EndsWith("POST /echo  abc"));
  raw_client client{server_->port()};
  client.send(
      "POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: "
      "100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("ab");
  EXPECT_THAT(client.read_all(), EndsWith("POST /echo  ab"));
}

TEST_F(http_server_test, keeps_a_connection_and_answers_in_the_order_of_the_requests) {
  serve();
  raw_client client{server_->port()};
  const std::string get = "GET /echo HTTP/1.1\r\nHost: x\r\n\r\n";
  client.send("POST /later HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n" + get);
  auto kept = later_->take();
  ASSERT_TRUE(kept);
  kept->responder.answer(text_response(202, "first"));
  EXPECT_THAT(client.read_until("first\n"), StartsWith("HTTP/1.1 202 "));
  EXPECT_THAT(client.read_until("GET /echo  "), StartsWith("HTTP/1.1 200 "));
  client.send(get);
  EXPECT_THAT(client.read_until("GET /echo  "), StartsWith("HTTP/1.1 200 "));
}

TEST_F(http_server_test, takes_an_answer_later_and_from_another_thread) {
  serve();
  std::jthread other{[this] {
    auto kept = later_->take();
    if (kept) kept->responder.answer(text_response(202, kept->request.body));
  }};
  const auto answer = send("POST", "/later", "x");
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->status, 202);
  EXPECT_EQ(answer->body, "x\n");
}

TEST_F(http_server_test, answers_503_for_a_responder_that_is_dropped) {
  serve();
  std::jthread other{[this] { later_->take(); }};
  const auto answer = send("POST", "/later");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 503);
  EXPECT_EQ(answer->header("Retry-After"), "1");
  EXPECT_EQ(status("GET", "/throw"), 503);
}

TEST_F(http_server_test, ignores_a_second_answer) {
  serve();
  raw_client client{server_->port()};
  const std::string post = "POST /later HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n";
  client.send(post);
  auto first = later_->take();
  ASSERT_TRUE(first);
  first->responder.answer(text_response(202, "first"));
  first->responder.answer(text_response(202, "again"));
  EXPECT_THAT(client.read_until("first\n"), StartsWith("HTTP/1.1 202 "));
  client.send(post);
  auto second = later_->take();
  ASSERT_TRUE(second);
  first->responder.answer(text_response(202, "again"));
  second->responder.answer(text_response(202, "second"));
  EXPECT_THAT(client.read_until("second\n"), Not(HasSubstr("again")));
}

TEST_F(http_server_test, answers_503_when_the_answer_takes_too_long_and_ignores_it_then) {
  serve({.answer_timeout = 20ms});
  const auto answer = send("POST", "/later");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 503);
  auto kept = later_->take();
  ASSERT_TRUE(kept);
  kept->responder.answer(text_response(202, "late"));
  EXPECT_EQ(status("GET", "/echo"), 200);
}

TEST_F(http_server_test, answers_503_to_what_does_not_fit_into_the_queue) {
  serve({.max_queued = 1});
  std::jthread waits{[this] { EXPECT_EQ(status("POST", "/later"), 202); }};
  auto kept = later_->take();
  ASSERT_TRUE(kept);
  const auto answer = send("GET", "/echo");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 503);
  EXPECT_EQ(answer->header("Retry-After"), "1");
  kept->responder.answer(text_response(202, "now"));
  waits.join();
  EXPECT_EQ(status("GET", "/echo"), 200);
}

TEST_F(http_server_test, answers_503_over_the_number_of_connections) {
  serve({.max_connections = 1});
  raw_client first{server_->port()};
  first.send("GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
  first.read_until("GET /echo  ");
  EXPECT_EQ(status("GET", "/echo"), 503);
  first.send("GET /echo HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(first.read_until("GET /echo  "), StartsWith("HTTP/1.1 200 "));
}

TEST_F(http_server_test, closes_a_connection_on_which_a_request_comes_too_slowly) {
  serve({.request_timeout = 30ms});
  raw_client client{server_->port()};
  client.send("GET /echo HTTP/1.1\r\nHo");
  EXPECT_EQ(client.read_all(), "");
}

TEST_F(http_server_test, closes_a_connection_that_is_idle_for_too_long) {
  serve({.idle_timeout = 30ms});
  raw_client client{server_->port()};
  EXPECT_EQ(client.read_all(), "");
}

TEST_F(http_server_test, stops_after_what_is_in_flight_is_answered) {
  serve();
  raw_client idle{server_->port()};
  std::jthread waits{[this] { EXPECT_EQ(status("POST", "/later"), 202); }};
  auto kept = later_->take();
  ASSERT_TRUE(kept);
  bool all_answered = false;
  std::jthread stops{[&] { all_answered = server_->stop(patience); }};
  EXPECT_EQ(idle.read_all(), "");  // closed: stopping has begun
  kept->responder.answer(text_response(202, "done"));
  stops.join();
  EXPECT_TRUE(all_answered);
  waits.join();
  EXPECT_FALSE(send("GET", "/echo"));
}

TEST_F(http_server_test, stops_at_the_deadline_and_takes_an_answer_after_its_end_without_harm) {
  serve();
  raw_client client{server_->port()};
  client.send("POST /later HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
  auto kept = later_->take();
  ASSERT_TRUE(kept);
  EXPECT_FALSE(server_->stop(10ms));
  EXPECT_EQ(client.read_all(), "");
  server_.reset();
  kept->responder.answer(text_response(202, "late"));
}

TEST_F(http_server_test, serves_on_a_thread_that_is_handed_in) {
  auto opened = http_server::open({.address = "127.0.0.1"}, {}, quiet());
  ASSERT_TRUE(opened);
  server_ = std::move(opened).value();
  std::jthread serving{[this] { server_->run(); }};
  EXPECT_EQ(status("GET", "/"), 404);
  EXPECT_TRUE(server_->stop(patience));
  EXPECT_TRUE(server_->stop(patience));
}

TEST_F(http_server_test, lets_no_value_begin_a_header_of_its_own) {
  const auto splitting = make_http_handler([](const http_request&) {
    return http_response{.content_type = "a\r\nX-Evil: 1",
                         .headers = {{"X-Good", "b\r\nX-Evil: 1"}}};
  });
  auto opened = http_server::open({.address = "127.0.0.1"}, {{"GET", "/", splitting}}, quiet());
  ASSERT_TRUE(opened);
  server_ = std::move(opened).value();
  server_->start();
  const auto answer = send("GET", "/");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->header("X-Evil"), "");
  EXPECT_EQ(answer->header("X-Good"), "b  X-Evil: 1");
}

TEST_F(http_server_test, says_at_once_that_it_cannot_listen) {
  serve();
  const auto taken =
      http_server::open({.address = "127.0.0.1", .port = server_->port()}, {}, quiet());
  ASSERT_FALSE(taken);
  EXPECT_THAT(taken.error().message, HasSubstr("Address already in use"));
  EXPECT_FALSE(http_server::open({.address = "nowhere"}, {}, quiet()));
  const auto handler = make_http_handler([](const http_request&) { return http_response{}; });
  EXPECT_FALSE(http_server::open({}, {{"GET", "/", handler}, {"GET", "/", handler}}, quiet()));
}

TEST_F(http_server_test, is_given_up_by_a_client_that_waits_too_long) {
  serve();
  const auto answer = send("POST", "/later", "", 20ms);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, net::errc::total_timeout);
}

}  // namespace
}  // namespace cloudflow::connect
