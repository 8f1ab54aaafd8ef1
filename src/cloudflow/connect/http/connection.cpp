#include "cloudflow/connect/http/internal/connection.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/write.hpp>

#include <algorithm>
#include <exception>

namespace cloudflow::connect::detail {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

constexpr std::string_view continue_answer = "HTTP/1.1 100 Continue\r\n\r\n";
/// How long, and how much, is read after a refusal, so that the client reads the answer before it
/// meets a reset.
constexpr std::chrono::seconds linger_time{2};
constexpr std::size_t linger_bytes = 16 * 1024 * 1024;

std::string_view view(beast::string_view s) noexcept { return {s.data(), s.size()}; }

/// No value may end its header.
std::string without_controls(std::string_view value) {
  std::string out{value};
  std::ranges::replace_if(
      out, [](char c) { return static_cast<unsigned char>(c) < 0x20 && c != '\t'; }, ' ');
  return out;
}

/// The origin form of a target: `http://host/path` is what a client tells a proxy (RFC
/// 9112, 3.2.2).
std::string_view origin_form(std::string_view target) noexcept {
  constexpr std::string_view scheme = "http://";
  if (!target.starts_with(scheme)) return target;
  const auto path = target.find('/', scheme.size());
  return path == target.npos ? std::string_view{"/"} : target.substr(path);
}

bool has_content(int status) noexcept { return status >= 200 && status != 204 && status != 304; }

}  // namespace

http_connection::http_connection(asio::ip::tcp::socket socket, http_server_core& core, bool refuses)
  : core_(core), stream_(std::move(socket)), answer_timer_(core.io()), refuses_(refuses) {
  error_code ec;
  const auto peer = stream_.socket().remote_endpoint(ec);
  if (!ec) peer_ = peer.address().to_string() + ":" + std::to_string(peer.port());
  // An answer is written at once and small: waiting to fill a segment would only delay it.
  stream_.socket().set_option(asio::ip::tcp::no_delay{true}, ec);
}

http_connection::~http_connection() { core_.remove(this); }

void http_connection::serve() { wait_for_request(); }

void http_connection::finish() {
  keeps_alive_ = false;
  if (is_idle_) close();
}

void http_connection::wait_for_request() {
  ++request_;
  if (buffer_.size() != 0) return read_header();
  is_idle_ = true;
  constexpr std::size_t first_read = 4096;
  stream_.expires_after(core_.options().idle_timeout);
  stream_.async_read_some(buffer_.prepare(first_read),
                          [self = shared_from_this()](error_code ec, std::size_t size) {
                            if (ec) return self->close();
                            self->buffer_.commit(size);
                            self->read_header();
                          });
}

void http_connection::read_header() {
  is_idle_ = false;
  is_head_ = false;
  parser_.emplace();
  parser_->header_limit(static_cast<std::uint32_t>(core_.options().header_limit));
  parser_->body_limit(core_.options().body_limit);
  stream_.expires_after(core_.options().request_timeout);
  http::async_read_header(
      stream_, buffer_, *parser_,
      [self = shared_from_this()](error_code ec, std::size_t) { self->on_header(ec); });
}

void http_connection::on_header(error_code ec) {
  if (ec) return on_unreadable(ec);
  const auto& header = parser_->get();
  is_head_ = header.method() == http::verb::head;
  keeps_alive_ = header.keep_alive() && !core_.is_stopping() && !refuses_;
  if (header.version() >= 11 && header.count(http::field::host) != 1)
    return refuse(text_response(400, "HTTP/1.1 asks for one Host header"));
  const auto expect = header[http::field::expect];
  if (expect.empty()) return read_body();
  if (beast::iequals(expect, "100-continue")) return continue_then_read_body();
  refuse(text_response(417, "the only expectation that can be met is 100-continue"));
}

void http_connection::continue_then_read_body() {
  asio::async_write(stream_, asio::buffer(continue_answer),
                    [self = shared_from_this()](error_code ec, std::size_t) {
                      if (ec) return self->close();
                      self->read_body();
                    });
}

void http_connection::read_body() {
  http::async_read(stream_, buffer_, *parser_,
                   [self = shared_from_this()](error_code ec, std::size_t) {
                     if (ec) return self->on_unreadable(ec);
                     self->dispatch();
                   });
}

void http_connection::on_unreadable(error_code ec) {
  const auto& options = core_.options();
  if (ec == http::error::body_limit)
    return refuse(
        text_response(413, fmt::format("the body may have {} bytes", options.body_limit)));
  if (ec == http::error::header_limit)
    return refuse(
        text_response(431, fmt::format("the header may have {} bytes", options.header_limit)));
  const bool is_malformed = ec.category() == make_error_code(http::error::bad_method).category() &&
                            ec != http::error::end_of_stream && ec != http::error::partial_message;
  if (is_malformed)
    return refuse(text_response(400, "malformed HTTP/1.1 request: " + ec.message()));
  core_.log().debug("{}: {}", peer_, ec.message());
  close();
}

void http_connection::dispatch() {
  stream_.expires_never();
  auto request = take_request();
  if (refuses_) return refuse(overloaded_response("there are too many connections"));
  if (!request.path.starts_with('/'))
    return refuse(text_response(400, "the path does not begin with /"));
  auto found = core_.find_route(request.method, request.path);
  if (found.handler == nullptr) return write(std::move(found.refusal));
  if (!core_.enter_queue())
    return write(overloaded_response("too many requests wait for their answer"));
  hand_over(*found.handler, std::move(request));
}

void http_connection::hand_over(http_handler& handler, http_request request) {
  is_waiting_ = true;
  may_be_stored_ = nullptr;
  answer_timer_.expires_after(core_.options().answer_timeout);
  answer_timer_.async_wait([self = shared_from_this(), number = request_](error_code ec) {
    if (!ec) self->give_up(number);
  });
  http_responder responder{
      std::make_shared<http_exchange>(core_.weak_from_this(), weak_from_this(), request_)};
  try {
    handler.handle(std::move(request), std::move(responder));
  } catch (const std::exception& e) {
    core_.log().error("the handler of a request of {} threw: {}", peer_, e.what());
  }
}

void http_connection::give_up(std::uint64_t request) {
  if (may_be_stored_ && may_be_stored_()) return hang_up(request);
  answer(request, overloaded_response("the answer takes too long"));
}

void http_connection::hang_up(std::uint64_t request) {
  if (!is_waiting_ || request != request_) return;
  is_waiting_ = false;
  core_.log().warn(
      "{}: the connection ends without an answer: whether the request is stored is not known",
      peer_);
  close();
}

http_request http_connection::take_request() {
  auto message = parser_->release();
  const auto target = origin_form(view(message.target()));
  const auto query = target.find('?');
  http_request request{
      .method = std::string{view(message.method_string())},
      .path = std::string{target.substr(0, query)},
      .query = query == target.npos ? std::string{} : std::string{target.substr(query + 1)},
      .headers = {},
      .body = std::move(message.body()),
      .peer = peer_};
  for (const auto& field : message)
    request.headers.emplace_back(view(field.name_string()), view(field.value()));
  return request;
}

void http_connection::answer(std::uint64_t request, http_response response) {
  if (!is_waiting_ || request != request_) return;
  is_waiting_ = false;
  answer_timer_.cancel();
  write(std::move(response));
}

/// What was sent behind the refused part cannot be told from a next request, so the connection
/// ends.
void http_connection::refuse(http_response response) {
  keeps_alive_ = false;
  is_refused_ = true;
  write(std::move(response));
}

void http_connection::write(http_response response) {
  keeps_alive_ = keeps_alive_ && !core_.is_stopping();
  response_ = {};
  response_.version(11);
  response_.result(static_cast<unsigned>(response.status));
  response_.set(http::field::server, "cloudflow");
  for (const auto& [name, value] : response.headers) response_.set(name, without_controls(value));
  if (has_content(response.status)) {
    response_.set(http::field::content_type, without_controls(response.content_type));
    response_.content_length(response.body.size());
    if (!is_head_) response_.body() = std::move(response.body);
  }
  response_.keep_alive(keeps_alive_);
  stream_.expires_after(core_.options().request_timeout);
  http::async_write(stream_, response_, [self = shared_from_this()](error_code ec, std::size_t) {
    self->on_written(ec);
  });
}

void http_connection::on_written(error_code ec) {
  if (ec) return close();
  if (keeps_alive_ && !core_.is_stopping()) return wait_for_request();
  if (is_refused_) return linger();
  close();
}

void http_connection::linger() {
  error_code ec;
  stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ec);
  if (ec) return close();
  is_idle_ = true;
  stream_.expires_after(linger_time);
  discard();
}

void http_connection::discard() {
  stream_.async_read_some(asio::buffer(discarded_),
                          [self = shared_from_this()](error_code ec, std::size_t size) {
                            self->discarded_bytes_ += size;
                            if (ec || self->discarded_bytes_ > linger_bytes) return self->close();
                            self->discard();
                          });
}

void http_connection::close() noexcept {
  answer_timer_.cancel();
  stream_.close();
}

}  // namespace cloudflow::connect::detail
