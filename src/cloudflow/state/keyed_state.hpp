/// State by key: a bounded cache over the store, that remembers what changed since the last save.
#pragma once

#include "cloudflow/schema/codec.hpp"
#include "cloudflow/state/keyed_cells.hpp"
#include "cloudflow/state/state_changes.hpp"
#include "cloudflow/state/store_reader.hpp"

#include <string>
#include <utility>
#include <vector>

namespace cloudflow::detail {

template <class T>
void encode_onto(const T& v, byte_writer& w) {
  codec<T>::encode(v, w);
}
template <class T>
std::string encoded(const T& v) {
  byte_writer w;
  encode_onto(v, w);
  return std::string{w.view()};
}
/// Throws storage_failure when the bytes are no T: the store was opened with another schema.
template <class T>
T decoded(std::string_view bytes) {
  view_of<T> v{};
  if (!codec<T>::decode(bytes, v))
    throw stores::storage_failure("a stored value cannot be read with the schema of its state");
  return codec<T>::own(v);
}

/// Of a stage without timers.
struct no_timer {};

/// The rows of one store whose keys start with `prefix`. A `Row` has a `key` and a `value` and is
/// what the stage hands on; only the value is stored. `Timer`: timer_note where a cell may have a
/// timer (timers.hpp).
///
/// A miss reads the store. What has changed since the last commit is held, also while a commit is
/// under way; all else may be forgotten (`evict`). Confined to one thread.
template <class Row, class Timer = no_timer>
class keyed_state {
public:
  struct cell {
    Row row;
    [[no_unique_address]] Timer timer{};
    bool is_listed = false;      ///< in `changed_`
    bool has_new_value = false;  ///< since the last save
    bool is_saved = false;       ///< the value is stored, or will be by the commit under way

    const auto& key() const noexcept { return row.key; }
  };

  /// `initial`: the row of a key that has none in the store.
  keyed_state(stores::state_changes* out, const stores::store_reader* stores, std::size_t store,
              std::string prefix, Row initial)
    : out_(out),
      stores_(stores),
      store_(store),
      prefix_(std::move(prefix)),
      initial_{std::move(initial)} {}

  /// Looks whether anything is stored at all: if not, new keys are not looked for.
  void load() {
    is_complete_ = true;
    stores_->scan(store_, prefix_, [this](auto, auto) { return is_complete_ = false; });
  }
  /// Becomes the state of another prefix, and forgets what it holds but for the memory.
  void reset(std::string prefix, Row initial) {
    prefix_ = std::move(prefix);
    initial_.row = std::move(initial);
    cells_.clear();
    changed_.clear();
    is_complete_ = false;
  }

  /// The cell of a key, if it is held.
  template <class K>
  cell* find(const K& key) {
    return cells_.find(key);
  }
  /// The cell of a key; from the store, or new. Valid until evict() or reset().
  template <class K>
  cell& at(const K& key) {
    if (auto* c = cells_.find(key)) [[likely]]
      return *c;
    return fetch(key);
  }
  /// The value has changed.
  void touch(cell& c) {
    c.has_new_value = true;
    list(c);
  }
  /// The timer has changed: save() shows the cell.
  void list(cell& c) {
    if (std::exchange(c.is_listed, true)) return;
    changed_.push_back(&c);
    out_->expect_save();
  }
  template <class F>
  void for_each(F f) {
    cells_.for_each(f);
  }
  /// Nothing is stored that is not held.
  bool is_complete() const noexcept { return is_complete_; }
  std::size_t size() const noexcept { return cells_.size(); }
  /// Held although unchanged since the last save.
  std::size_t unchanged() const noexcept { return cells_.size() - changed_.size(); }

  /// Writes the new values; `each` gets every changed cell.
  template <class F>
  void save(F each) {
    if (changed_.empty()) return;
    const auto& values = stores_->values_of(store_);
    for (auto* c : changed_) {
      if (c->has_new_value)
        out_->put(
            store_, [&](byte_writer& w) { put_key(c->row.key, w); },
            [&](byte_writer& w) {
              values.put_number(w);
              encode_onto(c->row.value, w);
            });
      c->is_listed = c->has_new_value = false;
      c->is_saved = true;
      each(*c);
    }
    changed_.clear();
  }
  void save() {
    save([](cell&) {});
  }
  /// Forgets what has not changed since the last save. @pre what was saved is committed.
  void evict() {
    cells_.keep(changed_);
    is_complete_ = false;
  }

private:
  using key_type = decltype(Row::key);
  using value_type = decltype(Row::value);

  void put_key(const key_type& key, byte_writer& w) const {
    w.put_raw(prefix_);
    encode_onto(key, w);
  }
  template <class K>
  [[gnu::noinline]] cell& fetch(const K& key) {
    auto& c = cells_.add(key, initial_);
    if (is_complete_) return c;
    byte_writer store_key;
    put_key(c.row.key, store_key);
    if (const auto stored = stores_->find(store_, store_key.view())) {
      byte_writer space;
      c.row.value = decoded<value_type>(stores_->values_of(store_).read(*stored, space));
      c.is_saved = true;
    }
    return c;
  }

  stores::state_changes* out_;
  const stores::store_reader* stores_;
  std::size_t store_;
  std::string prefix_;
  cell initial_;
  keyed_cells<cell> cells_;
  std::vector<cell*> changed_;
  bool is_complete_ = false;
};

}  // namespace cloudflow::detail
