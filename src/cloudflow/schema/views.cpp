#include "cloudflow/schema/views.hpp"

#include <limits>

namespace cloudflow::generated {

block read_block(reader& r) noexcept {
  const auto count = r.get_long();
  if (count >= 0) return {count, {}};
  // A negative count is followed by the block's size in bytes, for those who skip it.
  const auto size = r.get_long();
  if (count == std::numeric_limits<std::int64_t>::min() || size < 0 ||
      static_cast<std::uint64_t>(size) > r.remaining()) {
    r.fail();
    return {};
  }
  return {-count, static_cast<std::size_t>(size)};
}

}  // namespace cloudflow::generated
