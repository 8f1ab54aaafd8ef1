#include "cloudflow/connect/http/server.hpp"

#include "cloudflow/base/named_thread.hpp"
#include "cloudflow/connect/http/internal/connection.hpp"
#include "cloudflow/connect/http/internal/core.hpp"

#include <boost/asio/post.hpp>
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <limits>
#include <set>
#include <utility>

namespace cloudflow::connect {

namespace detail {

namespace {

namespace asio = boost::asio;
using boost::asio::ip::tcp;
using boost::system::error_code;

/// After an accept that failed, most often for want of file descriptors: long enough not to spin.
constexpr std::chrono::milliseconds accept_pause{100};

/// For closing connections after the deadline; more passes only if a handler blocks the server's
/// thread.
constexpr std::chrono::seconds closing_time{1};

/// So many that the log and the other servers of the process find files to open as well.
std::size_t fitting_connections() {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == RLIM_INFINITY)
    return std::numeric_limits<std::size_t>::max();
  return std::max<std::size_t>(1, files.rlim_cur / 8);
}

}  // namespace

http_server_core::http_server_core(http_server_options options, std::vector<http_route> routes,
                                   logger log)
  : options_(std::move(options)), routes_(std::move(routes)), log_(std::move(log)) {
  options_.max_connections = std::min(options_.max_connections, fitting_connections());
}

result<void> http_server_core::bind() {
  error_code ec;
  const auto fail = [&](std::string_view what) {
    return error{fmt::format("cannot {} {}:{} for HTTP: {}", what, options_.address, options_.port,
                             ec.message())};
  };
  const auto address = asio::ip::make_address(options_.address, ec);
  if (ec) return fail("read the address");
  const tcp::endpoint endpoint{address, options_.port};
  acceptor_.open(endpoint.protocol(), ec);
  if (!ec) acceptor_.set_option(tcp::acceptor::reuse_address{true}, ec);
  if (!ec) acceptor_.bind(endpoint, ec);
  if (!ec) acceptor_.listen(asio::socket_base::max_listen_connections, ec);
  if (ec) return fail("listen on");
  port_ = acceptor_.local_endpoint(ec).port();
  return {};
}

void http_server_core::run() {
  {
    const std::lock_guard lock{mutex_};
    if (is_stopped_) return;
    is_running_ = true;
  }
  accept();
  io_.run();
}

void http_server_core::start() {
  const std::lock_guard lock{mutex_};
  thread_ = named_thread("http", [this] { run(); });
}

bool http_server_core::stop(std::chrono::milliseconds deadline) {
  std::unique_lock lock{mutex_};
  if (std::exchange(is_stopped_, true)) return is_drained_;
  if (is_running_) {
    asio::post(io_, [this] { begin_to_stop(); });
    changed_.wait_for(lock, deadline, [this] { return is_drained_; });
  } else {
    is_drained_ = true;
  }
  const bool drained = is_drained_;
  if (!drained) {
    asio::post(io_, [this] { close_all(); });
    changed_.wait_for(lock, closing_time, [this] { return is_drained_; });
  }
  lock.unlock();
  io_.stop();
  if (thread_.joinable()) thread_.join();
  return drained;
}

void http_server_core::begin_to_stop() {
  is_stopping_ = true;
  error_code ec;
  acceptor_.close(ec);
  accept_again_.cancel();
  const auto open = connections_;  // closing one takes it out of the set
  for (auto* connection : open) connection->finish();
  tell_when_drained();
}

void http_server_core::close_all() {
  for (auto* connection : connections_) connection->close();
}

void http_server_core::tell_when_drained() {
  if (!is_stopping_ || !connections_.empty()) return;
  const std::lock_guard lock{mutex_};
  is_drained_ = true;
  changed_.notify_all();
}

void http_server_core::accept() {
  acceptor_.async_accept([this](error_code ec, tcp::socket socket) {
    if (is_stopping_ || ec == asio::error::operation_aborted) return;
    if (!ec) {
      add(std::move(socket));
      return accept();
    }
    log_.warn("cannot accept a connection on port {}: {}", port_, ec.message());
    accept_again_.expires_after(accept_pause);
    accept_again_.async_wait([this](error_code cancelled) {
      if (!cancelled) accept();
    });
  });
}

void http_server_core::add(tcp::socket socket) {
  if (connections_.size() >= 2 * options_.max_connections) return;
  const bool refuses = connections_.size() >= options_.max_connections;
  const auto connection = std::make_shared<http_connection>(std::move(socket), *this, refuses);
  connections_.insert(connection.get());
  connection->serve();
}

void http_server_core::remove(http_connection* connection) noexcept {
  connections_.erase(connection);
  tell_when_drained();
}

bool http_server_core::enter_queue() noexcept {
  if (queued_.fetch_add(1, std::memory_order_relaxed) < options_.max_queued) return true;
  leave_queue();
  return false;
}

http_server_core::found_route http_server_core::find_route(std::string_view method,
                                                           std::string_view path) const {
  std::set<std::string_view> allowed;
  for (const auto& route : routes_) {
    if (route.path != path) continue;
    if (route.method == method || (method == "HEAD" && route.method == "GET"))
      return {route.handler.get(), {}};
    allowed.insert(route.method);
    if (route.method == "GET") allowed.insert("HEAD");
  }
  if (allowed.empty())
    return {nullptr, text_response(404, fmt::format("there is nothing at {}", path))};
  auto refusal = text_response(405, fmt::format("{} takes {}", path, fmt::join(allowed, ", ")));
  refusal.headers.emplace_back("Allow", fmt::format("{}", fmt::join(allowed, ", ")));
  return {nullptr, std::move(refusal)};
}

void http_exchange::answer(std::optional<http_response> response) {
  const auto core = core_.lock();
  if (core == nullptr) return;
  core->leave_queue();
  asio::post(core->io(), [connection = connection_, request = request_,
                          answer = std::move(response)]() mutable {
    const auto open = connection.lock();
    if (open == nullptr) return;
    if (answer)
      open->answer(request, *std::move(answer));
    else
      open->hang_up(request);
  });
}

void http_exchange::may_be_stored_when(std::function<bool()> function) {
  if (const auto open = connection_.lock()) open->may_be_stored_when(std::move(function));
}

}  // namespace detail

http_responder::http_responder(std::shared_ptr<detail::http_exchange> exchange) noexcept
  : exchange_(std::move(exchange)) {}

http_responder& http_responder::operator=(http_responder&& other) noexcept {
  http_responder taken{std::move(other)};  // and what was held here goes unanswered
  std::swap(exchange_, taken.exchange_);
  return *this;
}

http_responder::~http_responder() {
  if (exchange_ != nullptr) answer(overloaded_response("the request was dropped; send it again"));
}

void http_responder::answer(http_response response) noexcept {
  if (const auto exchange = std::exchange(exchange_, nullptr))
    exchange->answer(std::move(response));
}

void http_responder::hang_up() noexcept {
  if (const auto exchange = std::exchange(exchange_, nullptr)) exchange->answer({});
}

void http_responder::may_be_stored_when(std::function<bool()> function) {
  exchange_->may_be_stored_when(std::move(function));
}

namespace {

class function_handler final : public http_handler {
public:
  explicit function_handler(std::function<http_response(const http_request&)> function)
    : function_(std::move(function)) {}
  void handle(http_request request, http_responder responder) override {
    responder.answer(function_(request));
  }

private:
  std::function<http_response(const http_request&)> function_;
};

}  // namespace

std::shared_ptr<http_handler> make_http_handler(
    std::function<http_response(const http_request&)> function) {
  return std::make_shared<function_handler>(std::move(function));
}

result<std::unique_ptr<http_server>> http_server::open(http_server_options options,
                                                       std::vector<http_route> routes, logger log) {
  for (std::size_t i = 0; i != routes.size(); ++i) {
    for (std::size_t k = 0; k != i; ++k) {
      if (routes[i].method == routes[k].method && routes[i].path == routes[k].path)
        return error{
            fmt::format("there are two HTTP routes for {} {}", routes[i].method, routes[i].path)};
    }
  }
  auto core = std::make_shared<detail::http_server_core>(std::move(options), std::move(routes),
                                                         std::move(log));
  CLOUDFLOW_TRY(core->bind());
  return std::unique_ptr<http_server>{new http_server{std::move(core)}};
}

http_server::http_server(std::shared_ptr<detail::http_server_core> core) noexcept
  : core_(std::move(core)) {}
http_server::~http_server() { stop(std::chrono::milliseconds{0}); }
std::uint16_t http_server::port() const noexcept { return core_->port(); }
void http_server::run() { core_->run(); }
void http_server::start() { core_->start(); }
bool http_server::stop(std::chrono::milliseconds deadline) { return core_->stop(deadline); }

}  // namespace cloudflow::connect
