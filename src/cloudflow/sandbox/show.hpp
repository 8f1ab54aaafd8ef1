/// `topics`, `peek` and `send`: through the socket of a running sandbox, or on its log when none runs.
#pragma once

#include "cloudflow/base/result.hpp"

#include <cstdint>
#include <filesystem>
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

/// Print to standard output; errors say what to do next.
result<void> show_topics(const std::filesystem::path& state);
result<void> peek(const std::filesystem::path& state, const peek_options& options);
result<void> send(const std::filesystem::path& state, const send_options& options);

}  // namespace cloudflow::sandbox
