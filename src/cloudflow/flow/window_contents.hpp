/// One window with all its keys: their values, what is still to come for them, and both in the
/// store.
#pragma once

#include "cloudflow/flow/keyed_state.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace cloudflow::detail {

/// How the store of a window looks: `v <start> <key>` holds a value, `t <start> <key>` says that
/// something is still to come for it. An empty `t`: the window has to fire. `t` with content: it
/// has fired, and its value is removed when it can no longer be updated; with unlimited lateness
/// there is no such entry.
struct window_store {
  static constexpr std::size_t prefix_size = 9;
  static constexpr std::string_view must_fire = "", has_fired = "f";

  /// Big-endian with the sign flipped: the order of the bytes is that of the times.
  static std::string prefix(char kind, timestamp start) {
    std::string bytes(prefix_size, kind);
    auto rest = static_cast<std::uint64_t>(start.time_since_epoch().count()) ^ (1ULL << 63);
    for (std::size_t i = prefix_size - 1; i != 0; --i, rest >>= 8)
      bytes[i] = static_cast<char>(rest & 255);
    return bytes;
  }
  static timestamp start_of(std::string_view key) {
    byte_reader r{key.substr(1)};
    return timestamp{std::chrono::milliseconds{
        static_cast<std::int64_t>(r.get_big_endian<std::uint64_t>() ^ (1ULL << 63))}};
  }
};

/// What is still to come for a key of a window.
enum class window_timer : std::uint8_t { none, must_fire, has_fired };

/// `Row` has a `window` beside `key` and `value`. Reads the store only for keys that it has
/// evicted, or that were there before it. Confined to one thread.
template <class Row>
class window_contents {
public:
  struct note {
    window_timer timer = window_timer::none;  ///< none where a value was read from the store
    bool is_new = false;                      ///< since the last save
  };
  using state = keyed_state<Row, note>;
  using cell = typename state::cell;

  window_contents(flow::changes* out, const flow::store_reader* stores, std::size_t store,
                  Row initial)
    : out_(out),
      stores_(stores),
      store_(store),
      window_(initial.window),
      values_(out, stores, store, value_prefix(), std::move(initial)) {}

  /// Becomes the pane of another window; keeps only memory. @pre nothing has to fire.
  void reset(Row initial) {
    window_ = initial.window;
    values_.reset(value_prefix(), std::move(initial));
  }
  void load() { values_.load(); }
  /// There is a timer in the store.
  void found(std::string_view stored) {
    has_waiting_in_store_ |= stored == window_store::must_fire;
  }

  auto window() const noexcept { return window_; }
  template <class Key>
  cell& at(const Key& key) {
    return values_.at(key);
  }
  void touch(cell& c) { values_.touch(c); }
  void expect(cell& c, window_timer next) {
    if (next == window_timer::must_fire) ++waiting_;
    c.note = {next, true};
    values_.list(c);
  }
  /// Gives `emit` every row that has to fire; `next` is to come for it then.
  template <class Emit>
  void fire(window_timer next, Emit emit) {
    if (has_waiting_in_store_) recall_waiting();
    if (waiting_ == 0) return;
    waiting_ = 0;
    values_.for_each([&](cell& c) {
      if (c.note.timer != window_timer::must_fire) return;
      expect(c, next);
      emit(std::as_const(c.row));
    });
  }

  void save() {
    values_.save([this](cell& c) {
      if (std::exchange(c.note.is_new, false)) save_timer(c);
    });
  }
  /// Removes all of it from the store.
  void remove() {
    values_.for_each([&](cell& c) {
      if (!c.is_saved) return;
      remove_key([&](byte_writer& w) { encode_onto(c.row.key, w); });
    });
    if (values_.is_complete()) return;
    stores_->scan(store_, value_prefix(), [&](std::string_view key, auto) {
      key.remove_prefix(window_store::prefix_size);
      remove_key([key](byte_writer& w) { w.put_raw(key); });
      return true;
    });
  }

  std::size_t size() const noexcept { return values_.size(); }
  /// Held although unchanged since the last save.
  std::size_t unchanged() const noexcept { return values_.unchanged(); }
  /// Nothing waits, and nothing has changed since the last save.
  bool is_idle() const noexcept {
    return waiting_ == 0 && !has_waiting_in_store_ && unchanged() == values_.size();
  }
  /// @pre what was saved is committed.
  void evict() {
    values_.evict();
    const auto before = std::exchange(waiting_, 0);
    values_.for_each([this](cell& c) { waiting_ += c.note.timer == window_timer::must_fire; });
    has_waiting_in_store_ |= waiting_ != before;
  }

private:
  std::string value_prefix() const { return window_store::prefix('v', window_.start); }
  std::string timer_prefix() const { return window_store::prefix('t', window_.start); }

  /// What is held is newer than what is stored.
  void recall_waiting() {
    using key_type = decltype(Row::key);
    std::vector<key_type> keys;
    stores_->scan(store_, timer_prefix(), [&](std::string_view key, std::string_view timer) {
      if (timer == window_store::must_fire)
        keys.push_back(decoded<key_type>(key.substr(window_store::prefix_size)));
      return true;
    });
    has_waiting_in_store_ = false;
    for (const auto& key : keys) {
      if (values_.find(key) != nullptr) continue;
      values_.at(key).note.timer = window_timer::must_fire;
      ++waiting_;
    }
  }
  void save_timer(const cell& c) const {
    const auto put_key = [&](byte_writer& w) {
      w.put_raw(timer_prefix());
      encode_onto(c.row.key, w);
    };
    if (c.note.timer == window_timer::none) return out_->state.remove(store_, put_key);
    out_->state.put(store_, put_key, [&](byte_writer& w) {
      w.put_raw(c.note.timer == window_timer::must_fire ? window_store::must_fire
                                                        : window_store::has_fired);
    });
  }
  template <class PutKey>
  void remove_key(PutKey put_key) const {
    for (const auto& prefix : {timer_prefix(), value_prefix()})
      out_->state.remove(store_, [&](byte_writer& w) {
        w.put_raw(prefix);
        put_key(w);
      });
  }

  flow::changes* out_;
  const flow::store_reader* stores_;
  std::size_t store_;
  decltype(Row::window) window_;
  state values_;
  std::size_t waiting_ = 0;            ///< held keys that have to fire
  bool has_waiting_in_store_ = false;  ///< there may be more, not held
};

}  // namespace cloudflow::detail
