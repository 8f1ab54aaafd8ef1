/// Why a cluster cannot be reached, from what librdkafka says of its brokers.
#pragma once

#include "cloudflow/pubsub/error.hpp"
#include "cloudflow/pubsub/kafka/internal/handles.hpp"

#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace cloudflow::pubsub::kafka {

/// One report about one broker, in our words.
struct finding {
  errc code = errc::unavailable;
  int weight = 0;       ///< of two findings the heavier one is told
  std::string message;  ///< `broker kafka-0:9093: the password is refused; check ...`
  bool operator==(const finding&) const = default;
};

/// What a report means: `code` and `text` as librdkafka's error callback has them.
finding explain(rd_kafka_resp_err_t code, std::string_view text);

/// Keeps the most telling report. Thread-safe.
class diagnosis {
public:
  void note(rd_kafka_resp_err_t code, std::string_view text);
  std::optional<finding> told() const;
  /// The brokers answer again.
  void forget();

private:
  mutable std::mutex mutex_;
  std::optional<finding> heaviest_;
};

}  // namespace cloudflow::pubsub::kafka
