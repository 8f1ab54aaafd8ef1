#pragma once

#include "cloudflow/operate/offset_spec.hpp"
#include "cloudflow/operate/record_text.hpp"

#include <functional>
#include <limits>
#include <optional>
#include <string>

namespace cloudflow::operate {

struct peek_request {
  std::string topic;
  std::optional<std::int32_t> partition = {};  ///< none: all
  offset_spec from = offset_spec::earliest();
  std::size_t at_most = std::numeric_limits<std::size_t>::max();
  bool has_readable_times = false;  ///< ISO 8601 instead of the numbers that are stored
};

/// Calls `f` with each record that is there now, by the time of its append; `f` returns false to
/// stop.
result<void> peek(pubsub::backend& log, const peek_request& request,
                  const std::function<bool(const shown_record&)>& f);

}  // namespace cloudflow::operate
