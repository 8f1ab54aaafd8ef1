#include "cloudflow/pubsub/embedded/internal/robust_scan.hpp"

namespace cloudflow::pubsub::embedded {
namespace {

constexpr std::size_t bits_per_byte = 8;

std::unique_ptr<rocksdb::Iterator> seek(const database& opened, family where,
                                        std::string_view from) {
  rocksdb::ReadOptions options;
  options.fill_cache = false;
  std::unique_ptr<rocksdb::Iterator> at{opened->NewIterator(options, opened.handle(where))};
  at->Seek(slice(from));
  return at;
}

bool is_readable_from(const database& opened, family where, std::string_view key) {
  return seek(opened, where, key)->status().ok();
}

/// The nearest key behind `last` from which reading goes on; none: nothing behind it can be read.
std::optional<std::string> next_readable(const database& opened, family where,
                                         const std::string& last) {
  std::size_t bit = 0;
  std::optional<std::string> readable;
  for (; !readable && bit != last.size() * bits_per_byte; ++bit) {
    auto candidate = plus_power(last, bit);
    if (!candidate) return {};
    if (is_readable_from(opened, where, *candidate)) readable = std::move(candidate);
  }
  if (!readable || bit < 2) return readable;
  // Between half of that distance, which is too near, and all of it.
  auto near = *plus_power(last, bit - 2);
  for (auto b = bit - 2; b-- > 0;) {
    auto middle = plus_power(near, b);
    if (!middle || *middle >= *readable) continue;
    if (is_readable_from(opened, where, *middle))
      readable = std::move(middle);
    else
      near = *std::move(middle);
  }
  return readable;
}

}  // namespace

std::optional<std::string> plus_power(std::string key, std::size_t bit) {
  auto at = key.size() - bit / bits_per_byte;
  unsigned carry = 1u << (bit % bits_per_byte);
  while (carry != 0 && at-- > 0) {
    const auto sum = static_cast<unsigned char>(key[at]) + carry;
    key[at] = static_cast<char>(sum);
    carry = sum >> bits_per_byte;
  }
  if (carry != 0) return {};
  return key;
}

std::size_t scan_around(const database& opened, family where, const storage::visitor& f) {
  std::size_t gaps = 0;
  // A key before all others, long enough to step over any of them.
  std::string last(2 * sizeof(std::uint64_t), '\0');
  auto at = seek(opened, where, {});
  for (;;) {
    for (; at->Valid(); at->Next()) {
      last.assign(at->key().data(), at->key().size());
      if (!f(view(at->key()), view(at->value()))) return gaps;
    }
    if (at->status().ok()) return gaps;
    ++gaps;
    const auto next = next_readable(opened, where, last);
    if (!next) return gaps;
    at = seek(opened, where, *next);
  }
}

}  // namespace cloudflow::pubsub::embedded
