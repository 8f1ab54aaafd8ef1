#pragma once

#include "cloudflow/base/log.hpp"
#include "cloudflow/base/result.hpp"
#include "cloudflow/connect/http/server.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace cloudflow::connect {

struct record_ingress_options {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;  ///< 0: any that is free
  std::size_t body_limit = 1024 * 1024;
  /// Requests that wait for the pipeline; over it 503 with Retry-After.
  std::size_t max_waiting = 256;
  /// For the pipeline, from the request to its answer.
  std::chrono::milliseconds answer_timeout{30'000};
};

/// `POST /` with JSON becomes records in Avro: an object, an array of objects, or one object a
/// line. What a typed HTTP ingress is made of.
///
/// 202 when the records of a request are durable, all of them; 422 when the application's code
/// refuses one of them, 413 when one is too large for the topic, and then none is stored; 400 with
/// the place and the field that is wrong, and then none of them is taken; 503 when they are not
/// stored and will not be. Where that is not known, after 30 s or when the log has lost the answer,
/// the connection ends without one.
///
/// *Concurrency.* `take` belongs to one thread; the requests come on the server's own.
class record_ingress {
public:
  /// A request that was understood: answer it with `accept` when its records are durable; destroyed
  /// before, it answers 503.
  struct request {
    std::vector<std::string> records;  ///< Avro
    http_responder responder;
    void accept() noexcept;
    /// The application does not take it, and will not take it again: 422 with the reason.
    void refuse(std::string_view reason) noexcept;
    /// The topic does not take a record as large as one of these: 413 with the reason.
    void refuse_as_too_large(std::string_view reason) noexcept;
    /// Nobody knows what has become of it: the connection ends without an answer.
    void hang_up() noexcept;
  };

  /// Errors: the schema cannot be parsed; the address cannot be bound. `wake` is called on the
  /// server's thread when there is something to take.
  static result<std::unique_ptr<record_ingress>> open(const record_ingress_options& options,
                                                      std::string_view schema_text,
                                                      const logger& log,
                                                      std::function<void()> wake);
  /// Stops the server: what is in flight is answered 503.
  ~record_ingress();
  record_ingress(const record_ingress&) = delete;
  record_ingress& operator=(const record_ingress&) = delete;

  /// `http://127.0.0.1:3000`.
  std::string url() const;
  /// The requests that have come since the last call.
  std::vector<request> take();

private:
  class handler;
  record_ingress(std::string address, std::shared_ptr<handler> h,
                 std::unique_ptr<http_server> server);

  std::string address_;
  std::shared_ptr<handler> handler_;
  std::unique_ptr<http_server> server_;
};

}  // namespace cloudflow::connect
