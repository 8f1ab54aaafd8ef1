/// Cells that are found by their key.
#pragma once

#include "cloudflow/state/keys.hpp"

#include <boost/unordered/unordered_flat_set.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <deque>
#include <utility>
#include <vector>

namespace cloudflow::detail {

/// An index over cells that do not move. A `Cell` has a `row` with a `key`. `clear()` keeps the
/// cells with what their keys and values have allocated, so that the same keys cost no allocation
/// when they come again. Confined to one thread.
template <class Cell>
class keyed_cells {
public:
  /// Null where there is none.
  template <class K>
  Cell* find(const K& key) {
    const auto it = index_.find(key);
    return it == index_.end() ? nullptr : *it;
  }
  /// A copy of `initial` with this key. @pre the key has no cell.
  template <class K>
  Cell& add(const K& key, const Cell& initial) {
    if (used_ == cells_.size())
      cells_.push_back(initial);
    else
      cells_[used_] = initial;
    auto& c = cells_[used_++];
    assign_key(c.row.key, key);
    index_.insert(&c);
    return c;
  }
  /// In the order in which they were added.
  template <class F>
  void for_each(F f) {
    std::for_each_n(cells_.begin(), used_, f);
  }
  std::size_t size() const noexcept { return used_; }
  void clear() noexcept {
    index_.clear();
    used_ = 0;
  }
  /// Forgets all cells but these, and gives their memory back. The pointers change: cells move
  /// here.
  void keep(std::vector<Cell*>& some) {
    keyed_cells kept;
    for (auto*& c : some) {
      c = &kept.cells_.emplace_back(std::move(*c));
      kept.index_.insert(c);
    }
    kept.used_ = some.size();
    *this = std::move(kept);
  }

private:
  struct by_key {
    using is_transparent = void;
    template <class K>
    static const auto& key_of(const K& key) noexcept {
      if constexpr (std::convertible_to<K, const Cell*>)
        return key->row.key;
      else
        return key;
    }
    template <class K>
    std::size_t operator()(const K& key) const noexcept {
      return key_hash{}(key_of(key));
    }
    template <class A, class B>
    bool operator()(const A& a, const B& b) const noexcept {
      return key_equal(key_of(a), key_of(b));
    }
  };

  std::deque<Cell> cells_;  // the first `used_` of them
  std::size_t used_ = 0;
  boost::unordered_flat_set<Cell*, by_key, by_key> index_;
};

}  // namespace cloudflow::detail
