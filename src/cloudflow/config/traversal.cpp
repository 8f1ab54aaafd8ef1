#include "cloudflow/config/traversal.hpp"

#include "cloudflow/config/unicode.hpp"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>

namespace cloudflow::config::detail {

namespace {

/// java.lang.String.hashCode, which counts UTF-16 units.
std::uint32_t string_hash(std::string_view text) {
  std::uint32_t h = 0;
  while (!text.empty()) {
    const auto c = decode(text);
    text.remove_prefix(c.bytes == 0 ? 1 : c.bytes);
    if (c.value >= 0x10000) {
      h = 31 * h + (0xd800 + ((c.value - 0x10000) >> 10U));
      h = 31 * h + (0xdc00 + (c.value & 0x3ffU));
    } else {
      h = 31 * h + c.value;
    }
  }
  return h;
}

/// A table starts with 16 buckets and doubles when it is more than three quarters full.
std::size_t bucket_count(std::size_t fields) {
  std::size_t count = 16;
  while (fields * 4 > count * 3) count *= 2;
  return count;
}

}  // namespace

std::vector<const field*> in_resolution_order(const field_list& fields) {
  const auto last = bucket_count(fields.size()) - 1;
  std::vector<std::pair<std::size_t, const field*>> keyed;
  keyed.reserve(fields.size());
  for (const auto& f : fields) {
    const auto h = string_hash(f.key);
    keyed.emplace_back((h ^ (h >> 16U)) & last, &f);
  }
  std::stable_sort(keyed.begin(), keyed.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<const field*> out;
  out.reserve(keyed.size());
  for (const auto& [bucket, f] : keyed) out.push_back(f);
  return out;
}

}  // namespace cloudflow::config::detail
