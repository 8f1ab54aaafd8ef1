/// Growing and reading byte buffers with the primitives that every format here is made of.
#pragma once

#include "cloudflow/base/time.hpp"
#include "cloudflow/base/utf8.hpp"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

namespace cloudflow {

/// A growing byte buffer. Reused for a whole batch: `clear()` keeps the capacity. Confined to one
/// thread.
class byte_writer {
public:
  /// Avro's int and long: zigzag, then base 128, 1 to 10 bytes.
  void put_long(std::int64_t v) {
    auto* p = room_for(max_varint);
    auto z = (static_cast<std::uint64_t>(v) << 1) ^ static_cast<std::uint64_t>(v >> 63);
    for (; z > 127; z >>= 7) *p++ = static_cast<char>(z | 128);
    *p++ = static_cast<char>(z);
    size_ = static_cast<std::size_t>(p - data_.get());
  }
  /// 4 or 8 bytes, little-endian: Avro's float and double.
  template <class Number>
  void put_fixed(Number v) {
    static_assert(std::endian::native == std::endian::little);
    put_raw(&v, sizeof v);
  }
  /// 4 or 8 bytes, big-endian: keys whose order in bytes is their order as unsigned numbers.
  template <class Unsigned>
  void put_big_endian(Unsigned v) {
    auto* p = room_for(sizeof v);
    for (std::size_t i = 0; i != sizeof v; ++i)
      p[i] = static_cast<char>(v >> (8 * (sizeof v - 1 - i)));
    size_ += sizeof v;
  }
  void put_byte(std::uint8_t b) {
    *room_for(1) = static_cast<char>(b);
    ++size_;
  }
  void put_raw(const void* from, std::size_t n) {
    if (n == 0) return;
    std::memcpy(room_for(n), from, n);
    size_ += n;
  }
  void put_raw(std::string_view s) { put_raw(s.data(), s.size()); }
  /// A length as `put_long`, then the bytes: Avro's string and bytes.
  void put_text(std::string_view s) {
    put_long(static_cast<std::int64_t>(s.size()));
    put_raw(s);
  }
  /// As put_text, of what has to be UTF-8: looked at where it is asked for.
  void put_utf8(std::string_view s) {
    put_long(static_cast<std::int64_t>(s.size()));
    if (!copy_ascii(room_for(s.size()), s)) [[unlikely]]
      note_text(s);
    size_ += s.size();
  }
  /// From now on put_utf8() looks at its texts.
  void check_text() noexcept {
    checks_text_ = true;
    has_bad_text_ = false;
  }
  /// Ends that; whether a text was not UTF-8.
  bool had_bad_text() noexcept {
    checks_text_ = false;
    return has_bad_text_;
  }
  void clear() noexcept { size_ = 0; }
  /// Drops everything behind the first `size` bytes: takes back what was only begun.
  void truncate(std::size_t size) noexcept { size_ = size; }
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  /// Valid until the next change.
  std::string_view view() const noexcept { return {data_.get(), size_}; }

private:
  static constexpr std::size_t max_varint = 10;

  [[gnu::noinline]] void note_text(std::string_view s) noexcept {
    has_bad_text_ |= checks_text_ && !is_utf8(s);
  }
  char* room_for(std::size_t n) {
    if (size_ + n > capacity_) [[unlikely]]
      grow(size_ + n);
    return data_.get() + size_;
  }
  [[gnu::noinline]] void grow(std::size_t wanted) {
    capacity_ = wanted + capacity_ + 256;
    auto bigger = std::make_unique_for_overwrite<char[]>(capacity_);
    if (size_ != 0) std::memcpy(bigger.get(), data_.get(), size_);
    data_ = std::move(bigger);
  }
  std::unique_ptr<char[]> data_;
  std::size_t size_ = 0, capacity_ = 0;
  bool checks_text_ = false, has_bad_text_ = false;
};

/// Reads what `byte_writer` wrote. Never reads past the end; errors are sticky, so test `ok()` or
/// `complete()` once, after the last read. What it returns borrows from the input.
class byte_reader {
public:
  explicit byte_reader(std::string_view s) noexcept : at_(s.data()), end_(s.data() + s.size()) {}

  std::int64_t get_long() noexcept {
    if (at_ != end_ && static_cast<unsigned char>(*at_) < 128) [[likely]] {
      const auto z = static_cast<unsigned char>(*at_++);
      return static_cast<std::int64_t>(z >> 1) ^ -static_cast<std::int64_t>(z & 1);
    }
    return get_long_slowly();
  }
  template <class Number>
  Number get_fixed() noexcept {
    Number v{};
    const auto raw = get_raw(sizeof v);
    if (raw.size() == sizeof v) std::memcpy(&v, raw.data(), sizeof v);
    return v;
  }
  template <class Unsigned>
  Unsigned get_big_endian() noexcept {
    Unsigned v{};
    for (const char c : get_raw(sizeof v))
      v = static_cast<Unsigned>(v << 8 | static_cast<unsigned char>(c));
    return v;
  }
  std::uint8_t get_byte() noexcept {
    const auto raw = get_raw(1);
    return raw.empty() ? std::uint8_t{0} : static_cast<std::uint8_t>(raw.front());
  }
  std::string_view get_raw(std::size_t n) noexcept {
    if (static_cast<std::size_t>(end_ - at_) < n) [[unlikely]] {
      fail();
      return {};
    }
    return {std::exchange(at_, at_ + n), n};
  }
  std::string_view get_text() noexcept { return get_raw(static_cast<std::size_t>(get_long())); }

  void fail() noexcept {
    ok_ = false;
    at_ = end_;
  }
  bool ok() const noexcept { return ok_; }
  /// All read, and nothing wrong.
  bool complete() const noexcept { return ok_ && at_ == end_; }
  std::size_t remaining() const noexcept { return static_cast<std::size_t>(end_ - at_); }

private:
  std::int64_t get_long_slowly() noexcept {
    std::uint64_t z = 0;
    for (unsigned shift = 0; at_ != end_ && shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(*at_++);
      z |= static_cast<std::uint64_t>(byte & 127) << shift;
      if (byte < 128) return static_cast<std::int64_t>(z >> 1) ^ -static_cast<std::int64_t>(z & 1);
    }
    fail();
    return 0;
  }
  const char* at_;
  const char* end_;
  bool ok_ = true;
};

/// A point in time as the `put_long` of its milliseconds.
inline void put_time(byte_writer& to, timestamp time) {
  to.put_long(time.time_since_epoch().count());
}
inline timestamp get_time(byte_reader& from) noexcept {
  return timestamp{std::chrono::milliseconds{from.get_long()}};
}

}  // namespace cloudflow
