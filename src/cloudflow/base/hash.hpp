#pragma once

#include <cstdint>
#include <string_view>

namespace cloudflow {

/// Kafka's default partitioner: murmur2 (seed 0x9747b28c) of the key bytes, sign bit cleared,
/// modulo the number of partitions. The same key goes to the same partition as with any Kafka
/// client.
/// @pre partitions > 0
std::int32_t partition_of(std::string_view key, std::int32_t partitions) noexcept;

/// murmur2 as Kafka's `Utils.murmur2` computes it.
std::uint32_t murmur2(std::string_view key) noexcept;

/// FNV-1a, 64 bits (Fowler, Noll, Vo), from its offset basis or another beginning.
std::uint64_t fnv1a(std::string_view text, std::uint64_t from = 0xCBF29CE484222325u) noexcept;

}  // namespace cloudflow
