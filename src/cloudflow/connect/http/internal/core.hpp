/// What the connections of one server share; private to this folder.
#pragma once

#include "cloudflow/connect/http/server.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>
#include <unordered_set>

namespace cloudflow::connect::detail {

class http_connection;

/// Acceptor, routes and connections. Everything is confined to the thread that runs `io()`, but for
/// what says otherwise. Owned by the server; kept alive by an answer that is just being handed
/// over.
class http_server_core : public std::enable_shared_from_this<http_server_core> {
public:
  http_server_core(http_server_options options, std::vector<http_route> routes, logger log);

  /// Before anything runs.
  result<void> bind();
  std::uint16_t port() const noexcept { return port_; }

  // -- from any thread ----------------------------------------------------------------------------

  void run();
  void start();
  bool stop(std::chrono::milliseconds deadline);
  boost::asio::io_context& io() noexcept { return io_; }
  /// A place among the requests whose answer is awaited; false when there is none.
  bool enter_queue() noexcept;
  void leave_queue() noexcept { queued_.fetch_sub(1, std::memory_order_relaxed); }

  // -- for connections ----------------------------------------------------------------------------

  const http_server_options& options() const noexcept { return options_; }
  const logger& log() const noexcept { return log_; }
  bool is_stopping() const noexcept { return is_stopping_; }
  /// The handler, or the answer that says why there is none.
  struct found_route {
    http_handler* handler;
    http_response refusal;
  };
  found_route find_route(std::string_view method, std::string_view path) const;
  void remove(http_connection* connection) noexcept;

private:
  void accept();
  void add(boost::asio::ip::tcp::socket socket);
  void begin_to_stop();
  void close_all();
  void tell_when_drained();

  http_server_options options_;
  std::vector<http_route> routes_;
  logger log_;
  std::uint16_t port_ = 0;

  // Before io_, whose handlers own the connections: what a connection needs when it goes outlives
  // it.
  std::mutex mutex_;  // guards the three flags
  std::condition_variable changed_;
  bool is_running_ = false, is_stopped_ = false, is_drained_ = false;
  std::unordered_set<http_connection*> connections_;
  bool is_stopping_ = false;
  std::atomic<std::size_t> queued_{0};  // relaxed: a count, which orders nothing
  boost::asio::io_context io_{1};
  boost::asio::ip::tcp::acceptor acceptor_{io_};
  boost::asio::steady_timer accept_again_{io_};
  std::jthread thread_;
};

/// One request that waits for its answer. Thread-safe: whoever answers first does.
class http_exchange {
public:
  http_exchange(std::weak_ptr<http_server_core> core, std::weak_ptr<http_connection> connection,
                std::uint64_t request) noexcept
    : core_(std::move(core)), connection_(std::move(connection)), request_(request) {}
  http_exchange(const http_exchange&) = delete;
  http_exchange& operator=(const http_exchange&) = delete;

  /// @pre called once; none: the connection ends without one.
  void answer(std::optional<http_response> response);
  /// @pre before it is handed on.
  void may_be_stored_when(std::function<bool()> function);

private:
  std::weak_ptr<http_server_core> core_;
  std::weak_ptr<http_connection> connection_;
  std::uint64_t request_;
};

}  // namespace cloudflow::connect::detail
