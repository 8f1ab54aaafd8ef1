#pragma once

#include "cloudflow/pubsub/kafka/internal/shared_client.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace cloudflow::pubsub::kafka {

/// Whether topics still exist. librdkafka tells its own guess once, not when it is over.
///
/// Never blocks. Concurrency: one caller at a time. End it before the client.
class topic_watch {
public:
  topic_watch(std::shared_ptr<shared_client> at, std::vector<std::string> topics,
              std::chrono::nanoseconds now);

  /// Asks the brokers at the next look, and until all are there.
  void suspect() noexcept;
  /// Takes their answer, and asks again when it is time to: while a topic is suspected or missing,
  /// or `is_needed`.
  void look(std::chrono::nanoseconds now, bool is_needed);
  /// Empty: all were there when the brokers were last asked.
  const std::string& missing() const noexcept { return missing_; }

private:
  void ask();
  void take(rd_kafka_event_t& answer);

  const std::shared_ptr<shared_client> client_;
  const std::vector<std::string> topics_;
  const queue_handle answers_;
  std::chrono::nanoseconds ask_at_;
  bool is_asked_ = false, is_suspected_ = false;
  std::string missing_;
};

}  // namespace cloudflow::pubsub::kafka
