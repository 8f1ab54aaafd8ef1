#pragma once

#include "cloudflow/net/error.hpp"
#include "cloudflow/net/request.hpp"
#include "cloudflow/net/response.hpp"

#include <functional>
#include <memory>
#include <stop_token>
#include <string_view>

namespace cloudflow::net {

/// What becomes of a stream after a piece.
enum class after_piece { go_on, stop };

/// Gets the body of a response of status 2xx while it comes: `head` with status and headers, its
/// body empty, and the bytes that have just come, borrowed until it returns. Called first with an
/// empty piece, as soon as the head is there.
using body_receiver = std::function<after_piece(const response& head, std::string_view piece)>;

/// Sends requests by HTTP/1.1, over TLS where the URL says https, and keeps connections open for
/// later ones.
///
/// *Operation.* A call runs on the thread of its caller and blocks it until the response is there,
/// or the error. Every status is a response. A request that met a connection which the server had
/// just closed is sent once more over a new one, if its method is idempotent; otherwise that is
/// `connection_broken`. Nothing else is repeated: when to try again is up to the caller.
///
/// HTTP/1.1 alone, also where a server offers HTTP/2: a response has a connection of its own, so
/// ending a watch closes it, and a slow one holds up no other.
///
/// *Concurrency.* Thread-safe: calls run beside each other, each on a connection of its own. One
/// that is cancelled by its stop token, from any thread, returns within 100 ms, in whatever phase
/// it is. The client outlives the calls; it has no thread of its own, but libcurl looks up names on
/// a short-lived one, which a cancelled look-up leaves behind until the system's resolver returns.
///
/// *Limitations.* The connections of up to 8 calls are kept for later ones. The address of a name
/// is kept for up to 60 s.
class client {
public:
  /// @throws std::bad_alloc
  client();
  ~client();
  client(const client&) = delete;
  client& operator=(const client&) = delete;

  /// The whole response.
  result<response> send(const request& what, const std::stop_token& stop = {});

  /// As `send`, but a body of status 2xx goes to `receive` piece by piece, on this thread, and is
  /// not kept; the body of any other status is in the response. When `receive` says stop, that is a
  /// response which is not complete. What `receive` throws comes out of here.
  result<response> stream(const request& what, const std::stop_token& stop,
                          const body_receiver& receive);

private:
  class lanes;

  result<response> exchange(const request& what, const std::stop_token& stop,
                            const body_receiver* receive);

  std::unique_ptr<lanes> lanes_;
};

}  // namespace cloudflow::net
