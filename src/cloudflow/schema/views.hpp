/// The views that generated records are made of where a plain type is not enough: bytes, arrays,
/// maps and records inside records of their own kind. They borrow, from a payload or from an owning
/// value, and do not allocate.
#pragma once

#include "cloudflow/base/bytes.hpp"
#include "cloudflow/schema/codec.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudflow {

/// Bytes that somebody else owns.
class bytes_view : public std::span<const std::byte> {
public:
  bytes_view() = default;
  explicit bytes_view(std::string_view text) noexcept
    : span(reinterpret_cast<const std::byte*>(text.data()), text.size()) {}
  explicit bytes_view(const std::vector<std::byte>& bytes) noexcept : span(bytes) {}

  std::string_view text() const noexcept { return {reinterpret_cast<const char*>(data()), size()}; }
  friend bool operator==(bytes_view a, bytes_view b) noexcept { return a.text() == b.text(); }
};

/// A value on the heap that behaves like the value: copies are deep, and it is never null, but for
/// one that was moved from. Lets a record contain a record of its own kind.
template <class T>
class box {
public:
  box() : held_(std::make_unique<T>()) {}
  explicit box(T value) : held_(std::make_unique<T>(std::move(value))) {}
  box(const box& other) : held_(std::make_unique<T>(*other.held_)) {}
  box(box&&) noexcept = default;
  box& operator=(const box& other) {
    if (this != &other) held_ = std::make_unique<T>(*other.held_);
    return *this;
  }
  box& operator=(box&&) noexcept = default;
  ~box() = default;

  T& operator*() noexcept { return *held_; }
  const T& operator*() const noexcept { return *held_; }
  T* operator->() noexcept { return held_.get(); }
  const T* operator->() const noexcept { return held_.get(); }
  friend bool operator==(const box& a, const box& b) { return *a == *b; }

private:
  std::unique_ptr<T> held_;
};

namespace generated {

/// Reads a payload; knows how deep it is in values that contain values of their own kind.
class reader : public byte_reader {
public:
  using byte_reader::byte_reader;

  /// What has been read since `before`, a copy of this reader; nothing after an error.
  std::string_view since(const reader& before) const noexcept {
    return ok() ? std::string_view{before.peek(), before.remaining() - remaining()}
                : std::string_view{};
  }
  const char* peek() const noexcept {
    auto copy = *this;
    return copy.get_raw(0).data();
  }

  /// Counts an array's item that took no bytes: payloads may hold `empty_items_limit` of them, or a
  /// few bytes could stand for any amount of work.
  void count_empty_item() noexcept {
    if (++empty_items_ > empty_items_limit) fail();
  }

private:
  friend class nesting_level;
  static constexpr unsigned empty_items_limit = 10'000;
  unsigned depth_ = 0;
  unsigned empty_items_ = 0;
};

/// One level of nesting while it lives. Payloads that nest deeper than `limit` fail, so that no
/// payload can exhaust the stack.
class nesting_level {
public:
  static constexpr unsigned limit = 128;

  explicit nesting_level(reader& r) noexcept : reader_(r) {
    if (++reader_.depth_ > limit) reader_.fail();
  }
  ~nesting_level() { --reader_.depth_; }
  nesting_level(const nesting_level&) = delete;
  nesting_level& operator=(const nesting_level&) = delete;

private:
  reader& reader_;
};

/// Where a block of an array or map begins.
struct block {
  std::int64_t count = 0;           ///< of its items; 0: there are no more blocks
  std::optional<std::size_t> size;  ///< in bytes, if it says so
};
block read_block(reader& r) noexcept;

/// Reads the blocks of an array or map: `begin_block(count)`, then `read_item()` for each item.
template <class BeginBlock, class ReadItem>
void read_blocks(reader& r, BeginBlock&& begin_block, ReadItem&& read_item) {
  for (auto next = read_block(r); next.count != 0; next = read_block(r)) {
    begin_block(next.count);
    const auto start = r.remaining();
    for (auto left = next.count; left != 0 && r.ok(); --left) {
      const auto before = r.remaining();
      read_item();
      if (r.remaining() == before) [[unlikely]]
        r.count_empty_item();
    }
    // Who skips a block trusts its size.
    if (next.size && start - r.remaining() != *next.size) r.fail();
  }
}
template <class ReadItem>
void read_blocks(reader& r, ReadItem&& read_item) {
  read_blocks(
      r, [](std::int64_t) {}, std::forward<ReadItem>(read_item));
}

/// Walks over items that were read before, so that nothing can fail.
template <class Range>
class item_iterator {
public:
  using iterator_category = std::input_iterator_tag;
  using value_type = typename Range::value_type;
  using difference_type = std::ptrdiff_t;
  using pointer = const value_type*;
  using reference = const value_type&;

  item_iterator() = default;
  explicit item_iterator(const Range& range)
    : left_(range.size()), owned_(range.first_owned()), encoded_(range.encoded()) {
    load();
  }
  const value_type& operator*() const noexcept { return item_; }
  const value_type* operator->() const noexcept { return &item_; }
  item_iterator& operator++() {
    --left_;
    load();
    return *this;
  }
  void operator++(int) { ++*this; }
  friend bool operator==(const item_iterator& a, const item_iterator& b) noexcept {
    return a.left_ == b.left_;
  }

private:
  void load() {
    if (left_ == 0) return;
    if (encoded_.remaining() == 0) {
      item_ = Range::borrow_item(*owned_);
      ++owned_;
      return;
    }
    if (in_block_ == 0) in_block_ = read_block(encoded_).count;
    Range::read_item(encoded_, item_);
    --in_block_;
  }

  std::size_t left_ = 0;
  typename Range::owned_iterator owned_{};
  reader encoded_{std::string_view{}};
  std::int64_t in_block_ = 0;
  value_type item_{};
};

/// What `array_view` and `map_view` share. `Items` says how one item is read and borrowed.
template <class Items>
class item_range {
public:
  using value_type = typename Items::value_type;
  using owner_container = typename Items::container;
  using owned_iterator = typename owner_container::const_iterator;
  using iterator = item_iterator<item_range>;
  using const_iterator = iterator;

  item_range() = default;
  explicit item_range(const owner_container& owner) noexcept
    : owner_(&owner), size_(owner.size()) {}

  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  iterator begin() const { return iterator{*this}; }
  iterator end() const { return {}; }
  friend bool operator==(const item_range& a, const item_range& b) {
    return a.size_ == b.size_ && std::equal(a.begin(), a.end(), b.begin());
  }

  /// The blocks as they stand in the payload, with their end; empty for a range over an owning
  /// value.
  std::string_view encoded() const noexcept { return encoded_; }
  const owner_container* owner() const noexcept { return owner_; }
  owned_iterator first_owned() const noexcept {
    return owner_ == nullptr ? owned_iterator{} : owner_->begin();
  }
  static void read_item(reader& r, value_type& item) noexcept { Items::read(r, item); }
  template <class Owned>
  static value_type borrow_item(const Owned& owned) {
    return Items::borrow(owned);
  }
  static item_range read(reader& r) noexcept {
    const nesting_level level{r};
    const auto before = r;
    value_type item{};
    item_range range;
    read_blocks(r, [&] {
      Items::read(r, item);
      ++range.size_;
    });
    range.encoded_ = r.since(before);
    return range;
  }
  void write_encoded(byte_writer& w) const {
    if (encoded_.empty())
      w.put_long(0);
    else
      w.put_raw(encoded_);
  }

private:
  const owner_container* owner_ = nullptr;
  std::size_t size_ = 0;
  std::string_view encoded_{};
};

template <class Item>
struct array_items {
  using container = std::vector<typename Item::owner>;
  using value_type = typename Item::view;
  static void read(reader& r, value_type& item) noexcept { Item::read(r, item); }
  template <class Owned>
  static value_type borrow(const Owned& owned) {
    return Item::borrow(owned);
  }
};

template <class Value>
struct map_items {
  using container = std::map<std::string, typename Value::owner, std::less<>>;
  using value_type = std::pair<std::string_view, typename Value::view>;
  static void read(reader& r, value_type& item) noexcept {
    item.first = r.get_text();
    Value::read(r, item.second);
  }
  template <class Owned>
  static value_type borrow(const Owned& owned) {
    return {owned.first, Value::borrow(owned.second)};
  }
};

/// A range of views of the items of an array; each is decoded when the iterator gets to it.
template <class Item>
using array_view = item_range<array_items<Item>>;
/// A range of (key, view of the value), in the order of the payload.
template <class Value>
using map_view = item_range<map_items<Value>>;

}  // namespace generated

/// A record that is decoded when it is looked at.
template <class Record>
class lazy_view {
public:
  lazy_view() = default;
  explicit lazy_view(std::string_view encoded) noexcept : encoded_(encoded) {}
  explicit lazy_view(const Record& owner) noexcept : owner_(&owner) {}

  auto operator*() const {
    typename codec<Record>::view v;
    if (owner_ != nullptr) return codec<Record>::borrow(*owner_);
    generated::reader r{encoded_};
    if (!encoded_.empty()) codec<Record>::read(r, v);
    return v;
  }
  const Record* owner() const noexcept { return owner_; }
  std::string_view encoded() const noexcept { return encoded_; }
  friend bool operator==(const lazy_view& a, const lazy_view& b) { return *a == *b; }

private:
  std::string_view encoded_{};
  const Record* owner_ = nullptr;
};

}  // namespace cloudflow
