/// Looking into the log of an application and putting records into it: one interface, two transports.
#pragma once

#include "cloudflow/base/record.hpp"
#include "cloudflow/base/result.hpp"
#include "cloudflow/pubsub/topic.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cloudflow::sandbox {

/// A record as text.
struct shown_record {
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  timestamp time;
  std::optional<std::string> key;
  std::string value_json;  ///< one line; null: a tombstone
  std::vector<std::pair<std::string, std::string>> headers;
};

struct peek_request {
  std::string topic;
  std::optional<std::int32_t> partition;  ///< none: all
  /// Where to start: an offset, or relative to the end when negative.
  std::int64_t from = 0;
  std::size_t at_most = static_cast<std::size_t>(-1);
  bool has_readable_times = false;  ///< ISO 8601 instead of the numbers that are stored
};

struct send_request {
  std::string topic;
  std::optional<std::string> key;
  std::vector<std::string> values_json;
};

/// What `peek`, `send` and `topics` need. Confined to one thread.
class log_access {
public:
  virtual ~log_access() = default;
  virtual result<std::vector<pubsub::topic_info>> topics() = 0;
  /// Calls `f` with each record that is there now, by time; `f` returns false to stop.
  virtual result<void> peek(const peek_request& request,
                            const std::function<bool(const shown_record&)>& f) = 0;
  /// All values or none; returns how many. Each is checked against the topic's schema first.
  virtual result<std::size_t> send(const send_request& request) = 0;
};

}  // namespace cloudflow::sandbox
