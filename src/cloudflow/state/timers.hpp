/// Timers of one store, by key.
#pragma once

#include "cloudflow/state/keyed_state.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace cloudflow::detail {

/// What entries of a store begin with that are kept by time: `kind`, and the time as bytes in the
/// order of the times: big-endian with the sign flipped.
constexpr std::size_t ordered_prefix_size = 1 + sizeof(std::uint64_t);
inline std::string ordered_prefix(char kind, timestamp t) {
  std::string bytes(ordered_prefix_size, kind);
  auto rest = static_cast<std::uint64_t>(t.time_since_epoch().count()) ^ (1ULL << 63);
  for (auto i = ordered_prefix_size; --i != 0; rest >>= 8) bytes[i] = static_cast<char>(rest & 255);
  return bytes;
}
inline timestamp time_of_entry(std::string_view entry) {
  byte_reader r{entry.substr(1)};
  return timestamp{std::chrono::milliseconds{
      static_cast<std::int64_t>(r.get_big_endian<std::uint64_t>() ^ (1ULL << 63))}};
}

/// What a cell knows of its timer.
struct timer_note {
  bool is_set = false;
  bool has_changed = false;  ///< since the last save
};

/// Which cells have a timer, in the order of time, and for equal times in the order in which they
/// were set. It is the owner who knows what time it is: event time by its watermark, or the time of
/// day.
///
/// A `Cell` has a `timer_note` `timer`, at most one timer at a time, and `key()`, which has a
/// codec. Cells are the owner's. A timer is durable as an entry `t <time> <key>` of the store,
/// which save() writes and removes; so cells may be forgotten whose timers are saved and committed
/// (held_are()), and are recalled when their time has come. Confined to one thread.
template <class Cell>
class timers {
public:
  timers(stores::state_changes* out, const stores::store_reader* stores, std::size_t store)
    : out_(out), stores_(stores), store_(store) {}

  /// Finds out which times there are in the store; their cells are recalled by pop().
  void load() {
    stores_->scan(store_, "t", [this](std::string_view key, auto) {
      at(time_of_entry(key)).may_be_stored = true;
      return true;
    });
  }
  /// Where the owner holds all cells from the beginning: gives them the timers that are in the
  /// store. `cell_of(time, key)` is null for one that is not there any more: its timer is removed.
  template <class CellOf>
  void load(CellOf cell_of) {
    stores_->scan(store_, "t", [&](std::string_view entry, auto) {
      const auto t = time_of_entry(entry);
      if (Cell* c = cell_of(t, entry.substr(ordered_prefix_size))) {
        c->timer = {.is_set = true, .has_changed = false};
        at(t).held.push_back(c);
      } else {
        out_->remove(store_, entry);
      }
      return true;
    });
  }

  /// When the next timer is due; timestamp::max(): there is none. Perhaps earlier, where cells have
  /// been forgotten.
  timestamp next() const noexcept {
    return moments_.empty() ? timestamp::max() : moments_.begin()->first;
  }
  /// There may be a timer at this time.
  bool has(timestamp t) const { return moments_.contains(t); }

  /// @pre the cell has no timer. The owner has save() called for it.
  void set(timestamp t, Cell& c) {
    c.timer = {.is_set = true, .has_changed = true};
    at(t).held.push_back(&c);
  }
  /// The first cell whose time has come; it has no timer any more, and the owner has save() called
  /// for it. Null: it is nobody's time yet. `recall(time, key)` gives the cell of a timer that is
  /// in the store, which may be forgotten; null: what the owner holds of it is newer.
  template <class Recall>
  Cell* pop(timestamp now, Recall recall) {
    while (next() <= now) {
      auto& [t, m] = *moments_.begin();
      if (std::exchange(m.may_be_stored, false)) recall_stored(t, m, recall);
      if (m.popped != m.held.size()) {
        auto& c = *m.held[m.popped++];
        c.timer = {.is_set = false, .has_changed = true};
        return &c;
      }
      drop_first();
    }
    return nullptr;
  }

  /// The same where no cell is ever forgotten.
  Cell* pop(timestamp now) {
    return pop(now, [](timestamp, std::string_view) -> Cell* { return nullptr; });
  }

  /// Writes what has become of the cell's timer since the last save. `t`: its time, or the one that
  /// it had.
  void save(timestamp t, Cell& c) {
    if (!std::exchange(c.timer.has_changed, false)) return;
    const auto put_key = [&](byte_writer& w) {
      w.put_raw(ordered_prefix('t', t));
      encode_onto(c.key(), w);
    };
    if (c.timer.is_set)
      out_->put(store_, put_key, [](byte_writer&) {});
    else
      out_->remove(store_, put_key);
  }
  /// Of the cells with a timer at this time these are held from now on; others are forgotten.
  /// `each_held(f)` calls `f` with every cell that is held. @pre what was saved is committed.
  template <class EachHeld>
  void held_are(timestamp t, EachHeld each_held) {
    const auto found = moments_.find(t);
    if (found == moments_.end()) return;
    auto& m = found->second;
    const auto before = m.held.size() - std::exchange(m.popped, 0);
    m.held.clear();
    each_held([&m](Cell& c) {
      if (c.timer.is_set) m.held.push_back(&c);
    });
    m.may_be_stored |= m.held.size() != before;
  }

private:
  struct moment {
    std::vector<Cell*> held;
    std::size_t popped = 0;      ///< so many of them
    bool may_be_stored = false;  ///< there may be timers in the store whose cells are not held
  };
  using moment_map = std::map<timestamp, moment>;

  moment& at(timestamp t) {
    if (last_ == nullptr || last_->first != t) last_ = &find_or_add(t);
    return last_->second;
  }
  typename moment_map::value_type& find_or_add(timestamp t) {
    const auto found = moments_.find(t);
    if (found != moments_.end()) return *found;
    if (spare_.empty()) return *moments_.emplace(t, moment{}).first;
    spare_.key() = t;
    return *moments_.insert(std::move(spare_)).position;
  }
  void drop_first() {
    last_ = nullptr;
    spare_ = moments_.extract(moments_.begin());
    spare_.mapped().held.clear();
    spare_.mapped().popped = 0;
  }
  template <class Recall>
  void recall_stored(timestamp t, moment& m, Recall recall) {
    const auto prefix = ordered_prefix('t', t);
    std::vector<std::string> keys;  // the owner reads the store as well
    stores_->scan(store_, prefix, [&](std::string_view key, auto) {
      keys.emplace_back(key.substr(prefix.size()));
      return true;
    });
    for (const auto& key : keys)
      if (Cell* c = recall(t, std::string_view{key})) {
        c->timer = {.is_set = true, .has_changed = false};
        m.held.push_back(c);
      }
  }

  stores::state_changes* out_;
  const stores::store_reader* stores_;
  std::size_t store_;
  moment_map moments_;
  typename moment_map::value_type* last_ = nullptr;  ///< that was set or looked for
  typename moment_map::node_type spare_{};  ///< the memory of one that is not needed any more
};

}  // namespace cloudflow::detail
