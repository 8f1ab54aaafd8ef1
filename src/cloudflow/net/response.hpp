#pragma once

#include "cloudflow/base/time.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cloudflow::net {

struct header_field {
  std::string name, value;
  bool operator==(const header_field&) const = default;
};
using header_list = std::vector<header_field>;

/// What a server has answered, whatever its status. A value.
struct response {
  int status = 0;
  header_list headers{};    ///< in the order in which they came; trailers are dropped
  std::string body{};       ///< chunks put together; not decompressed, since nobody asks for that
  bool is_complete = true;  ///< false when the receiver of a stream has ended it

  /// The value of the first header of that name, in any case; empty where there is none. Borrowed
  /// from this.
  std::string_view header(std::string_view name) const noexcept;

  bool operator==(const response&) const = default;
};

/// How long the server wants to be left alone (Retry-After, in seconds or as a date), from `now`
/// on; at least zero. Nothing if it does not say, or not in a way that can be read.
std::optional<std::chrono::seconds> retry_after(const response& answer, timestamp now);

}  // namespace cloudflow::net
