#pragma once

#include "cloudflow/kube/client.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace cloudflow::kube::internal {

/// Makes events of the pieces in which a watch comes: a JSON object in each line. Confined to one
/// thread.
class watch_stream {
public:
  /// `what`: the watch, for messages. All live as long as this.
  watch_stream(std::string_view what, const event_receiver& receive)
    : what_(what), receive_(receive) {}

  /// Whether to go on.
  bool take(std::string_view piece);

  /// Why not, unless the receiver wants no more.
  const std::optional<error>& failure() const noexcept { return failure_; }

private:
  bool take_line(std::string_view line);
  bool fail(errc code, std::string_view why);

  std::string_view what_;
  const event_receiver& receive_;
  std::string begun_;  // a line whose end has not come
  std::optional<error> failure_;
};

}  // namespace cloudflow::kube::internal
