#include "cloudflow/base/hash.hpp"

#include <cstring>

namespace cloudflow {

std::uint32_t murmur2(std::string_view key) noexcept {
  constexpr std::uint32_t seed = 0x9747b28c, m = 0x5bd1e995;
  constexpr int r = 24;
  std::uint32_t h = seed ^ static_cast<std::uint32_t>(key.size());
  while (key.size() >= 4) {
    std::uint32_t k = 0;
    std::memcpy(&k, key.data(), 4);
    k *= m;
    k ^= k >> r;
    k *= m;
    h = (h * m) ^ k;
    key.remove_prefix(4);
  }
  if (!key.empty()) {
    std::uint32_t tail = 0;
    for (std::size_t i = 0; i != key.size(); ++i)
      tail |= std::uint32_t{static_cast<unsigned char>(key[i])} << (8 * i);
    h = (h ^ tail) * m;
  }
  h ^= h >> 13;
  h *= m;
  h ^= h >> 15;
  return h;
}

std::uint64_t fnv1a(std::string_view text, std::uint64_t from) noexcept {
  for (const char c : text) from = (from ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  return from;
}

std::int32_t partition_of(std::string_view key, std::int32_t partitions) noexcept {
  return static_cast<std::int32_t>(murmur2(key) & 0x7fffffff) % partitions;
}

}  // namespace cloudflow
