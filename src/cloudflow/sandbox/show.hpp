/// `topics`, `peek` and `send`.
#pragma once

#include "cloudflow/base/result.hpp"
#include "cloudflow/sandbox/open_log.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace cloudflow::sandbox {

struct peek_options {
  std::string topic;
  std::string from = "beginning";
  std::optional<std::int32_t> partition;
  std::optional<std::size_t> count;
  std::string format = "json";  ///< see row_printer
  std::vector<std::string> latest_by;
  bool is_following = false;
};

struct send_options {
  std::string topic;
  std::string file = "-";
  std::optional<std::string> key;
};

struct topics_options {
  bool is_all = false;  ///< also topics of others, and internal ones that are empty
  bool as_json = false;
};

/// Print to standard output; errors say what to do next.
result<void> show_topics(const project& app, const log_location& where,
                         const topics_options& options);
result<void> peek(const project& app, const log_location& where, const peek_options& options);
result<void> send(const project& app, const log_location& where, const send_options& options);

}  // namespace cloudflow::sandbox
