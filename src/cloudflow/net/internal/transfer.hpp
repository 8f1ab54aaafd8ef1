#pragma once

#include "cloudflow/net/client.hpp"
#include "cloudflow/net/internal/failure.hpp"
#include "cloudflow/net/internal/handles.hpp"
#include "cloudflow/net/internal/prepared_request.hpp"

#include <array>
#include <chrono>
#include <exception>
#include <optional>
#include <string_view>

namespace cloudflow::net::detail {

/// Room for one transfer at a time, with the connections that earlier ones have left open.
struct lane {
  easy_handle easy{present(curl_easy_init())};
  multi_handle multi{present(curl_multi_init())};  // ends first: it holds the connections
  /// The client's key of these connections. libcurl compares certificates alone, so that whoever
  /// has only the certificate would be given a connection of its owner.
  std::string key{};
};

/// One request on its way. Confined to the thread of its caller; stays where it is.
class transfer {
public:
  /// `receive`: none keeps the body.
  transfer(lane& on, const prepared_request& request, const body_receiver* receive,
           const std::stop_token& stop)
    : on_(on), request_(request), receive_(receive), stop_(stop) {}
  transfer(const transfer&) = delete;
  transfer& operator=(const transfer&) = delete;

  result<response> run();

private:
  using steady_clock = std::chrono::steady_clock;

  // What libcurl calls; `self` is the transfer.
  static std::size_t on_header(char* line, std::size_t one, std::size_t size, void* self) noexcept;
  static std::size_t on_body(char* bytes, std::size_t one, std::size_t size, void* self) noexcept;
  static int on_begin(void* self, char*, char*, int, int) noexcept;

  void set_callbacks();
  CURLcode perform();
  bool must_end();
  std::optional<steady_clock::time_point> deadline() const;
  void end(errc code, std::string detail) { ended_ = ending{code, std::move(detail)}; }
  bool take_header(std::string_view line);
  bool take_field(std::string_view line);
  bool take_head();
  bool take_body(std::string_view piece);
  bool hand_on(std::string_view piece);
  result<response> outcome(CURLcode code);

  lane& on_;
  const prepared_request& request_;
  const body_receiver* receive_;
  const std::stop_token& stop_;
  std::array<char, CURL_ERROR_SIZE> words_{};
  response answer_;
  bool was_sent_ = false, has_head_ = false;
  std::size_t header_bytes_ = 0;
  curl_off_t received_ = 0, received_before_ = 0;  // all; what there was when it was sent
  curl_off_t moved_ = 0;                           // received and sent, at the last look
  steady_clock::time_point begun_ = steady_clock::now(), moved_at_ = begun_;
  std::optional<ending> ended_;  // by us, not by libcurl
  std::exception_ptr thrown_;    // by the receiver
};

}  // namespace cloudflow::net::detail
