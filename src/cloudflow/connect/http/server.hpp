#pragma once

#include "cloudflow/base/log.hpp"
#include "cloudflow/base/result.hpp"
#include "cloudflow/connect/http/message.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace cloudflow::connect {

namespace detail {
class http_exchange;
class http_server_core;
}  // namespace detail

/// The right to answer one request, once, now or later and from any thread. Movable; outlives the
/// server without harm. Destroyed unanswered, it answers 503, so that no client waits for a request
/// that was dropped.
class http_responder {
public:
  explicit http_responder(std::shared_ptr<detail::http_exchange> exchange) noexcept;
  http_responder(http_responder&&) noexcept = default;
  http_responder& operator=(http_responder&& other) noexcept;
  ~http_responder();

  /// Sends the answer. Does not block. The responder has nothing left to answer afterwards: a
  /// second call does nothing, as does one after the client has gone.
  void answer(http_response response) noexcept;
  /// Ends the connection without an answer: nobody knows what has become of the request.
  void hang_up() noexcept;
  /// Asked on the server's thread when the answer takes too long: whether the request may take
  /// effect later, so that 503 would invite the client to send it twice. Without it, it may not.
  /// Call it before the responder is handed on.
  void may_be_stored_when(std::function<bool()> function);

private:
  std::shared_ptr<detail::http_exchange> exchange_;
};

/// What answers the requests of a route.
class http_handler {
public:
  virtual ~http_handler() = default;
  /// Called on the server's thread, so it must not block: it hands the responder on when the answer
  /// takes time. An exception that leaves it is logged; what it has not answered is answered 503.
  virtual void handle(http_request request, http_responder responder) = 0;
};

/// A handler made of a function that has its answer at once.
std::shared_ptr<http_handler> make_http_handler(
    std::function<http_response(const http_request&)> function);

/// One method on one path, compared exactly. A route for GET answers HEAD as well.
struct http_route {
  std::string method;
  std::string path;
  std::shared_ptr<http_handler> handler;
};

struct http_server_options {
  std::string address = "0.0.0.0";
  std::uint16_t port = 0;                ///< 0: any that is free
  std::size_t body_limit = 1024 * 1024;  ///< bytes; over it 413
  std::size_t header_limit = 16 * 1024;  ///< bytes; over it 431
  std::chrono::milliseconds request_timeout{
      10'000};  ///< from a request's first byte to its last; then the connection is closed
  std::chrono::milliseconds idle_timeout{60'000};  ///< of a kept connection between two requests
  std::chrono::milliseconds answer_timeout{
      30'000};  ///< of a handler; then 503, or none: see may_be_stored_when
  /// Over it 503 and close, over twice that close at once. Never more than an eighth of the files
  /// that the process may have open.
  std::size_t max_connections = 1024;
  std::size_t max_queued =
      1024;  ///< requests whose answer is awaited; over it 503 with Retry-After
};

/// An HTTP/1.1 server (RFC 9112) with keep-alive, pipelining in order, `Expect: 100-continue` and
/// HEAD; no TLS, no compression.
///
/// Answers by itself: 400 what is no HTTP, 404 no such path, 405 (with Allow) no such method there,
/// 413, 417, 431, 503.
///
/// *Lifecycle.* `open` binds, so that a port that is taken is known at start; connections wait in
/// the system's queue until the server runs. `stop` closes the port, lets what is in flight be
/// answered and closes the connections; the destructor stops without waiting.
///
/// *Concurrency.* One thread serves, `start()`'s own or the one that calls `run()`; `stop` may be
/// called from any other.
class http_server {
public:
  /// Fails when a route is there twice, and when the address cannot be bound, naming it and the
  /// reason.
  static result<std::unique_ptr<http_server>> open(http_server_options options,
                                                   std::vector<http_route> routes, logger log);
  http_server(const http_server&) = delete;
  http_server& operator=(const http_server&) = delete;
  ~http_server();

  /// The port that is bound.
  std::uint16_t port() const noexcept;

  /// Serves on the calling thread until `stop`. Call it once, and not beside `start`.
  void run();
  /// Serves on a thread of its own.
  void start();
  /// Takes no new connection or request, waits up to `deadline` until those in flight are answered,
  /// then closes all. Returns whether all were answered. Further calls do nothing.
  bool stop(std::chrono::milliseconds deadline);

private:
  explicit http_server(std::shared_ptr<detail::http_server_core> core) noexcept;

  std::shared_ptr<detail::http_server_core> core_;
};

}  // namespace cloudflow::connect
