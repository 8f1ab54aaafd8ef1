/// The lines that the two ends of the sandbox's socket exchange.
#pragma once

#include "cloudflow/sandbox/access.hpp"

#include <nlohmann/json.hpp>

#include <string>

namespace cloudflow::sandbox::wire {

nlohmann::json to_json(const peek_request& r);
nlohmann::json to_json(const send_request& r);
nlohmann::json to_json(const shown_record& r);
nlohmann::json to_json(const pubsub::topic_info& t);

peek_request peek_from(const nlohmann::json& j);
send_request send_from(const nlohmann::json& j);
shown_record record_from(const nlohmann::json& j);
pubsub::topic_info topic_from(const nlohmann::json& j);

/// A connected stream of lines over a file descriptor, which it owns.
class line_stream {
public:
  explicit line_stream(int fd) : fd_(fd) {}
  ~line_stream();
  line_stream(const line_stream&) = delete;
  line_stream& operator=(const line_stream&) = delete;

  /// False when the other end is gone.
  bool write(const nlohmann::json& line);
  /// None at the end of the stream, or when a line is no JSON or longer than 64 MiB.
  std::optional<nlohmann::json> read();

private:
  int fd_;
  std::string buffer_;
};

}  // namespace cloudflow::sandbox::wire
