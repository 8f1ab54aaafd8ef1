/// Event time and windows. After "The Dataflow Model" (Akidau et al., VLDB 2015): windows fire when the watermark
/// passes their end, and again for each record that is late but within the allowed lateness.
#pragma once

#include "cloudflow/flow/keyed.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>

namespace cloudflow {

struct time_window {
  timestamp start, end;
};

/// A window's result.
template <class Key, class Value>
struct windowed {
  Key key;
  time_window window;
  Value value;
};

/// Windows of equal length, one after the other, starting at 1970-01-01T00:00:00Z.
struct tumbling {
  std::chrono::milliseconds size;
};

/// Records arrive at most this much after one with a later time.
struct bounded_out_of_order {
  std::chrono::milliseconds by;
};
inline constexpr bounded_out_of_order in_order{std::chrono::milliseconds{0}};

/// How long after a window's end a record may still update it.
struct allowed_lateness {
  std::chrono::milliseconds by;
  bool is_unlimited = false;
};
/// Every record counts, however late; the state of all windows is kept.
inline constexpr allowed_lateness unlimited_lateness{std::chrono::milliseconds{0}, true};

namespace detail {

/// The watermark is updated record by record, so that what counts as late does not depend on batch boundaries.
template <class F, class In>
struct event_time_stage {
  using ports = std::tuple<>;
  static constexpr bool sets_time = true;
  /// Times beyond this (the year 287,396) would overflow when windows are computed from them.
  static constexpr std::chrono::milliseconds furthest{std::int64_t{1} << 53};
  F time_of;
  std::chrono::milliseconds bound;
  template <class Next>
  struct op : link<Next> {
    F time_of;
    std::chrono::milliseconds bound;
    const flow::store_reader* stores;
    std::size_t store;
    std::string store_key;
    timestamp watermark = timestamp::min(), saved = timestamp::min();

    void operator()(const In& x, const record_info& i) {
      const timestamp t = std::invoke(time_of, x);
      if (t.time_since_epoch() > furthest || t.time_since_epoch() < -furthest) [[unlikely]]
        throw std::out_of_range("the record's event time is out of range");
      if (t - bound > watermark) {
        watermark = t - bound;
        this->next.advance(watermark);
      }
      this->next(x, record_info{t, i.origin, i.inlet});
    }
    void save(flow::changes& out) {
      if (std::exchange(saved, watermark) != watermark) {
        out.state.put(
            store, [this](byte_writer& w) { w.put_raw(store_key); },
            [this](byte_writer& w) { w.put_long(watermark.time_since_epoch().count()); });
      }
      this->next.save(out);
    }
    void load() {
      if (const auto stored = stores->find(store, store_key)) {
        byte_reader r{*stored};
        watermark = saved = timestamp{std::chrono::milliseconds{r.get_long()}};
      }
      this->next.load();
      if (watermark != timestamp::min()) this->next.advance(watermark);
    }
  };
  template <class Next>
  op<Next> bind(Next next, flow::wiring& w) {
    return {{std::move(next)}, std::move(time_of),  bound,
            &w.stores(),       w.watermark_store(), std::to_string(w.next_watermark())};
  }
};

/// How the store of a window looks: `v <start> <key>` holds a value, `t <start> <key>` says that something is still
/// to come for it. An empty `t`: the window has to fire. `t` with content: it has fired, and its value is removed
/// when it can no longer be updated; with unlimited lateness there is no such entry.
struct window_store {
  static constexpr std::size_t prefix_size = 9;
  static constexpr std::string_view must_fire = "", has_fired = "f";

  /// Big-endian with the sign flipped: the order of the bytes is that of the times.
  static std::string prefix(char kind, timestamp start) {
    byte_writer w;
    w.put_byte(static_cast<std::uint8_t>(kind));
    w.put_big_endian(static_cast<std::uint64_t>(start.time_since_epoch().count()) ^ (1ULL << 63));
    return std::string{w.view()};
  }
  static timestamp start_of(std::string_view key) {
    byte_reader r{key.substr(1)};
    return timestamp{std::chrono::milliseconds{
        static_cast<std::int64_t>(r.get_big_endian<std::uint64_t>() ^ (1ULL << 63))}};
  }
};

/// fold() on windows of a keyed stream. Values are cached by pane: one window with all its keys.
template <class KeyFn, class Key, class Acc, class F, class In, class Late>
struct window_fold_stage {
  using ports =
      std::conditional_t<std::same_as<Late, nothing>, std::tuple<>, std::tuple<outlet<Late>>>;
  static constexpr bool sets_time = false;
  KeyFn key_of;
  tumbling window;
  allowed_lateness lateness;
  const outlet<Late>* late;  ///< Late = nothing: counted and dropped
  store_ref store;
  Acc initial;
  F fn;

  template <class Next>
  struct op : link<Next> {
    struct pane {
      keyed_state<Key, Acc> values;
      std::set<Key, std::less<>> waiting{};  ///< have to fire
      std::set<Key, std::less<>>
          fired{};  ///< have to be removed later; empty with unlimited lateness
    };
    using pane_entry = typename std::map<timestamp, pane>::iterator;

    window_fold_stage settings;
    flow::outlet_buffer* late_out;
    flow::changes* out;
    const flow::store_reader* stores;
    std::size_t store;
    std::map<timestamp, pane> panes{};
    pane* current = nullptr;
    timestamp current_start = timestamp::min(), watermark = timestamp::min();

    // -- records ---

    void operator()(const In& x, const record_info& i) {
      const auto since = i.time.time_since_epoch(), size = settings.window.size;
      const timestamp start{since - (since % size + size) % size};
      const bool is_late = start + size <= watermark;
      if (is_late && is_expired(start)) [[unlikely]]
        return too_late(x);
      if (start != current_start || current == nullptr) [[unlikely]]
        select(start);
      auto& e = current->values.at(std::invoke(settings.key_of, x), settings.initial);
      std::invoke(settings.fn, e.second.value, x);
      if (!e.second.is_changed) expect(e.first, is_late);
      current->values.touch(e);
      if (is_late) [[unlikely]]
        emit(start, e, i);
    }
    void too_late(const In& x) {
      if constexpr (std::same_as<Late, nothing>)
        ++out->count.records_late;
      else
        write(*settings.late, *late_out, x);
    }

    // -- time ---

    void advance(timestamp w) {
      watermark = w;
      for (auto p = panes.begin(); p != panes.end() && p->first + settings.window.size <= w;) {
        fire(p->first, p->second);
        p = is_expired(p->first) ? expire(p) : std::next(p);
      }
      this->next.advance(w);
    }
    /// Open windows fire. Nothing expires: more records may come for them, at once or in another run. What is saved
    /// counts as new when it changes again, so that it is noted to fire.
    void finish() {
      for (auto& [start, p] : panes) {
        fire(start, p);
        p.values.save(*out);
      }
      this->next.finish();
    }

    // -- durability ---

    void save(flow::changes& to) {
      for (auto& [start, p] : panes) p.values.save(to);
      this->next.save(to);
    }
    /// Panes that wait for nothing leave the cache; if a late record comes, its value is read again.
    void committed() {
      std::erase_if(panes, [this](const auto& p) {
        return p.second.waiting.empty() && p.second.fired.empty() && p.second.values.is_saved() &&
               p.first != current_start;
      });
      for (auto& [start, p] : panes) p.values.evict();
      this->next.committed();
    }
    void load() {
      stores->scan(store, "t", [&](std::string_view key, std::string_view state) {
        auto& p = pane_at(window_store::start_of(key));
        auto& keys = state == window_store::must_fire ? p.waiting : p.fired;
        keys.insert(decoded<Key>(key.substr(window_store::prefix_size)));
        return true;
      });
      this->next.load();
    }

  private:
    bool is_expired(timestamp start) const {
      return !settings.lateness.is_unlimited &&
             start + settings.window.size + settings.lateness.by <= watermark;
    }
    pane& pane_at(timestamp start) {
      const auto it = panes.find(start);
      if (it != panes.end()) return it->second;
      return panes.emplace(start, pane{{stores, store, window_store::prefix('v', start)}})
          .first->second;
    }
    void select(timestamp start) {
      current = &pane_at(start);
      current_start = start;
    }
    /// Notes durably, once, what is still to come for a key of the current window.
    void expect(const Key& key, bool is_late) {
      if (!is_late) {
        if (current->waiting.insert(key).second) note(current_start, key, window_store::must_fire);
      } else if (!settings.lateness.is_unlimited) {
        if (current->fired.insert(key).second) note(current_start, key, window_store::has_fired);
      }
    }
    void note(timestamp start, const Key& key, std::optional<std::string_view> what) {
      const auto store_key = window_store::prefix('t', start) + encoded(key);
      if (what)
        out->state.put(store, store_key, *what);
      else
        out->state.remove(store, store_key);
    }
    void emit(timestamp start, typename keyed_state<Key, Acc>::entry& e, const record_info& i) {
      const time_window w{start, start + settings.window.size};
      this->next(windowed<Key, Acc>{e.first, w, e.second.value},
                 record_info{w.end - std::chrono::milliseconds{1}, i.origin, i.inlet});
    }
    void fire(timestamp start, pane& p) {
      for (const auto& key : p.waiting) {
        emit(start, p.values.at(key, settings.initial), record_info{});
        note(
            start, key,
            settings.lateness.is_unlimited ? std::nullopt : std::optional{window_store::has_fired});
      }
      if (settings.lateness.is_unlimited)
        p.waiting.clear();
      else
        p.fired.merge(p.waiting);
      p.waiting.clear();
    }
    pane_entry expire(pane_entry p) {
      for (const auto& key : p->second.fired) {
        note(p->first, key, std::nullopt);
        out->state.remove(store, window_store::prefix('v', p->first) + encoded(key));
      }
      if (p->first == current_start) current = nullptr;
      return panes.erase(p);
    }
  };

  template <class Next>
  op<Next> bind(Next next, flow::wiring& w) {
    flow::outlet_buffer* late_out = nullptr;
    if constexpr (!std::same_as<Late, nothing>) late_out = w.outlet(late, late->name());
    const auto index = w.state(
        store.member, store.name,
        {codec<Key>::schema_text, "tumbling " + std::to_string(window.size.count()) + " ms"});
    return {{std::move(next)}, std::move(*this), late_out, &w.out(), &w.stores(), index};
  }
};

}  // namespace detail
}  // namespace cloudflow
