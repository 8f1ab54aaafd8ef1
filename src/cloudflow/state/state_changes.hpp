/// New values and removals of keys, as bytes: what a task has to make durable in its stores.
#pragma once

#include "cloudflow/base/bytes.hpp"

#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace cloudflow::stores {

template <class F>
concept appends_bytes = std::invocable<F&, byte_writer&>;

/// One growing byte buffer and an index into it; of several entries with the same key the last one
/// counts. `clear()` keeps the capacity. Confined to one thread.
class state_changes {
public:
  struct entry {
    std::size_t at = 0;  ///< where the key starts; the value follows
    std::uint32_t key_size = 0;
    std::int32_t value_size = -1;  ///< -1: the key is removed
    std::size_t store = 0;         ///< index in the streamlet's list of stores
  };

  /// `write_key` and `write_value` append to the writer they get.
  template <appends_bytes WriteKey, appends_bytes WriteValue>
  void put(std::size_t store, WriteKey&& write_key, WriteValue&& write_value) {
    remove(store, std::forward<WriteKey>(write_key));
    const auto value_at = bytes_.size();
    write_value(bytes_);
    entries_.back().value_size = static_cast<std::int32_t>(bytes_.size() - value_at);
  }
  void put(std::size_t store, std::string_view key, std::string_view value) {
    put(
        store, [key](byte_writer& w) { w.put_raw(key); },
        [value](byte_writer& w) { w.put_raw(value); });
  }
  template <appends_bytes WriteKey>
  void remove(std::size_t store, WriteKey&& write_key) {
    const auto at = bytes_.size();
    write_key(bytes_);
    entries_.push_back(
        {.at = at, .key_size = static_cast<std::uint32_t>(bytes_.size() - at), .store = store});
  }
  void remove(std::size_t store, std::string_view key) {
    remove(store, [key](byte_writer& w) { w.put_raw(key); });
  }

  std::span<const entry> entries() const noexcept { return entries_; }
  /// These borrow from the buffer: valid until the next change.
  std::string_view key(const entry& e) const noexcept {
    return bytes_.view().substr(e.at, e.key_size);
  }
  std::optional<std::string_view> value(const entry& e) const noexcept {
    if (e.value_size < 0) return {};
    return bytes_.view().substr(e.at + e.key_size, static_cast<std::size_t>(e.value_size));
  }
  /// State has changed that is not in here and that the next save will add: it may be all that
  /// there is to commit.
  void expect_save() noexcept { is_save_expected_ = true; }
  bool is_save_expected() const noexcept { return is_save_expected_; }
  void saved() noexcept { is_save_expected_ = false; }
  bool empty() const noexcept { return entries_.empty() && !is_save_expected_; }
  std::size_t byte_size() const noexcept { return bytes_.size(); }
  void clear() noexcept {
    bytes_.clear();
    entries_.clear();
    is_save_expected_ = false;
  }

private:
  byte_writer bytes_;
  std::vector<entry> entries_;
  bool is_save_expected_ = false;
};

}  // namespace cloudflow::stores
