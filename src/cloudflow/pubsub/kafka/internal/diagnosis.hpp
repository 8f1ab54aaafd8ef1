/// Why a cluster cannot be reached, from what librdkafka says of its brokers.
#pragma once

#include "cloudflow/pubsub/error.hpp"

#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace cloudflow::pubsub::kafka {

/// One report about one broker, in our words.
struct finding {
  int weight = 0;  ///< of two findings the heavier one is told
  errc code = errc::unavailable;
  std::string message;  ///< `broker kafka-0:9093: user or password is refused; check ...`

  bool operator==(const finding&) const = default;
};

/// What a report of librdkafka means, as its log and its error callback have it:
/// `sasl_ssl://kafka-0:9093/1: SASL authentication error: ... (after 333ms in state AUTH_REQ)`.
finding explain(std::string_view report);
/// Why a broker's certificate was not accepted; `reason` is OpenSSL's number. `broker`: host:port.
finding explain_certificate(std::string_view broker, int reason);

/// Keeps the most telling finding. Thread-safe.
class diagnosis {
public:
  void note(finding found);
  std::optional<finding> told() const;
  /// The brokers answer again.
  void forget();

private:
  mutable std::mutex mutex_;
  std::optional<finding> heaviest_;
};

}  // namespace cloudflow::pubsub::kafka
