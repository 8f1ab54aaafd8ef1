/// One window with all its keys: their values, here and in the store.
#pragma once

#include "cloudflow/state/timers.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace cloudflow::detail {

/// How the store of windows looks. Timers (`t <end> <key>`, see timers.hpp) say which keys have to
/// fire; `v <start> <key>` holds a value; `w <start>` says that the window is there, so that it is
/// removed when it can no longer be updated, and is not there for windows that are kept for ever.
inline std::string window_values(timestamp start) { return ordered_prefix('v', start); }
inline std::string window_mark(timestamp start) { return ordered_prefix('w', start); }

/// `Row` has a `window` beside `key` and `value`. Reads the store only for keys that it has
/// evicted, or that were there before it. Confined to one thread.
template <class Row>
class window_contents {
public:
  using state = keyed_state<Row, timer_note>;
  using cell = typename state::cell;

  window_contents(stores::state_changes* out, const stores::store_reader* stores, std::size_t store,
                  Row initial)
    : out_(out),
      stores_(stores),
      store_(store),
      window_(initial.window),
      values_(out, stores, store, window_values(initial.window.start), std::move(initial)) {}

  /// Becomes the pane of another window; keeps only memory. @pre no timer is set.
  void reset(Row initial) {
    window_ = initial.window;
    is_marked_ = false;
    values_.reset(window_values(window_.start), std::move(initial));
  }
  void load() { values_.load(); }
  /// Its mark is in the store.
  void found_mark() noexcept { is_marked_ = true; }

  auto window() const noexcept { return window_; }
  template <class Key>
  cell* find(const Key& key) {
    return values_.find(key);
  }
  template <class Key>
  cell& at(const Key& key) {
    return values_.at(key);
  }
  void touch(cell& c) { values_.touch(c); }
  /// The cell's timer has changed.
  void list(cell& c) { values_.list(c); }
  template <class F>
  void for_each(F f) {
    values_.for_each(f);
  }

  /// Calls `save_timer` for each cell that has changed.
  template <class SaveTimer>
  void save(bool is_ever_removed, SaveTimer save_timer) {
    if (unchanged() == size()) return;
    // In front of what it is to remove: at least once, a part of a commit may be all that becomes
    // durable.
    if (is_ever_removed && !std::exchange(is_marked_, true))
      out_->put(store_, window_mark(window_.start), {});
    values_.save(save_timer);
  }
  /// Removes all of it from the store; `save_timer` as above. @pre no timer is set.
  template <class SaveTimer>
  void remove(SaveTimer save_timer) {
    values_.for_each([&](cell& c) {
      if (!c.is_saved) return;
      save_timer(c);
      out_->remove(store_, [&](byte_writer& w) {
        w.put_raw(window_values(window_.start));
        encode_onto(c.row.key, w);
      });
    });
    if (!values_.is_complete())
      stores_->scan(store_, window_values(window_.start), [&](std::string_view key, auto) {
        out_->remove(store_, key);
        return true;
      });
    if (is_marked_) out_->remove(store_, window_mark(window_.start));
  }

  std::size_t size() const noexcept { return values_.size(); }
  /// Held although unchanged since the last save.
  std::size_t unchanged() const noexcept { return values_.unchanged(); }
  /// @pre what was saved is committed.
  void evict() { values_.evict(); }

private:
  stores::state_changes* out_;
  const stores::store_reader* stores_;
  std::size_t store_;
  decltype(Row::window) window_;
  state values_;
  bool is_marked_ = false;  ///< in the store, or will be by the commit under way
};

}  // namespace cloudflow::detail
