/// One connection of a client; private to this folder.
#pragma once

#include "cloudflow/connect/http/internal/core.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace cloudflow::connect::detail {

/// Reads a request, waits for its answer, writes it, and again. One request at a time: what a
/// client sends ahead stays in the buffer. Confined to the thread that runs the server; owned by
/// the operation that is under way.
class http_connection : public std::enable_shared_from_this<http_connection> {
public:
  /// `refuses`: there are too many connections; every request gets 503.
  http_connection(boost::asio::ip::tcp::socket socket, http_server_core& core, bool refuses);
  ~http_connection();

  void serve();
  /// Answers the request of that number; does nothing when it is answered.
  void answer(std::uint64_t request, http_response response);
  /// Closes without an answer, if the request of that number is not answered yet.
  void hang_up(std::uint64_t request);
  /// Of the request that is waited for; see http_responder.
  void may_be_stored_when(std::function<bool()> function) { may_be_stored_ = std::move(function); }
  /// Closes now if no request is under way; else once it is answered.
  void finish();
  /// Closes now, whatever is under way.
  void close() noexcept;

private:
  using error_code = boost::beast::error_code;

  void wait_for_request();
  void read_header();
  void on_header(error_code ec);
  void continue_then_read_body();
  void read_body();
  void on_unreadable(error_code ec);
  void dispatch();
  void hand_over(http_handler& handler, http_request request);
  void give_up(std::uint64_t request);
  http_request take_request();
  void refuse(http_response response);
  void write(http_response response);
  void on_written(error_code ec);
  void linger();
  void discard();

  http_server_core& core_;
  boost::beast::tcp_stream stream_;
  boost::beast::flat_buffer buffer_;
  std::optional<boost::beast::http::request_parser<boost::beast::http::string_body>> parser_;
  boost::beast::http::response<boost::beast::http::string_body> response_;
  boost::asio::steady_timer answer_timer_;
  std::function<bool()> may_be_stored_;
  std::string peer_;
  std::uint64_t request_ = 0;  // number of the request that is being read or answered
  bool refuses_ = false;
  bool is_idle_ = true;       // nothing of a request has arrived
  bool is_waiting_ = false;   // for an answer
  bool keeps_alive_ = false;  // after the current request
  bool is_head_ = false;
  bool is_refused_ = false;  // the client may still be sending
  std::array<char, 4096> discarded_;
  std::size_t discarded_bytes_ = 0;
};

}  // namespace cloudflow::connect::detail
