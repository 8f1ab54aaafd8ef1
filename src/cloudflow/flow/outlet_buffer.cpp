#include "cloudflow/flow/outlet_buffer.hpp"

#include "cloudflow/base/hash.hpp"
#include "cloudflow/flow/origin.hpp"

#include <fmt/format.h>

namespace cloudflow::flow {

// -- outlet_buffer --------------------------------------------------------------------------------

std::size_t outlet_buffer::partition_for(std::string_view key) noexcept {
  if (by_partition_.size() == 1) return 0;
  if (key.data() != nullptr)
    return static_cast<std::size_t>(
        partition_of(key, static_cast<std::int32_t>(by_partition_.size())));
  return next_without_key_++ % by_partition_.size();
}

void outlet_buffer::refuse_last(record_buffer& records) {
  has_refused_ = true;
  const auto size = records.last_size();
  records.truncate(records.size() - 1);
  throw record_too_large(
      fmt::format("a record of {} bytes is larger than topic {} takes ({}): raise the topic's "
                  "max.message.bytes, or write smaller records",
                  size, topic_, max_record_bytes_));
}

std::size_t outlet_buffer::byte_size() const noexcept {
  std::size_t sum = 0;
  for (const auto& records : by_partition_) sum += records.byte_size();
  return sum;
}

void outlet_buffer::clear() noexcept {
  for (auto& records : by_partition_) records.clear();
  appended_ = 0;
}

}  // namespace cloudflow::flow
