#include "cloudflow/flow/expand.hpp"

#include <algorithm>

namespace cloudflow::detail {

std::chrono::milliseconds delay_of(const retry& policy, std::int64_t attempts) noexcept {
  auto delay = policy.first_delay;
  for (; attempts > 0 && delay < policy.longest_delay; --attempts) delay *= 2;
  return std::min(delay, policy.longest_delay);
}

}  // namespace cloudflow::detail
