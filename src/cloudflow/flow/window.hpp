/// Event time and windows. After "The Dataflow Model" (Akidau et al., VLDB 2015): windows fire when
/// the watermark passes their end, and again for each record that is late but within the allowed
/// lateness.
#pragma once

#include "cloudflow/flow/keyed.hpp"
#include "cloudflow/flow/moved_key.hpp"
#include "cloudflow/flow/window_contents.hpp"

#include <algorithm>
#include <chrono>
#include <map>
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

/// The watermark is updated record by record, so that what counts as late does not depend on batch
/// boundaries.
template <class F, class In>
struct event_time_stage {
  using ports = std::tuple<>;
  static constexpr bool sets_time = true;
  static constexpr bool keeps_record = true;
  /// Times beyond this (the year 287,396) would overflow when windows are computed from them.
  static constexpr std::chrono::milliseconds furthest{std::int64_t{1} << 53};
  F time_of;
  std::chrono::milliseconds bound;
  template <class Next>
  struct op : link<Next> {
    F time_of;
    std::chrono::milliseconds bound;
    flow::changes* out;
    const stores::store_reader* stores;
    std::size_t store;
    std::string store_key;
    timestamp watermark = timestamp::min(), saved = timestamp::min();

    step operator()(const In& x, const record_info& i) {
      const timestamp t = std::invoke(time_of, x);
      if (t.time_since_epoch() > furthest || t.time_since_epoch() < -furthest) [[unlikely]]
        throw std::out_of_range("the record's event time is out of range");
      auto result = step::go_on;
      if (t - bound > watermark) {
        watermark = t - bound;
        result = advance();
      }
      return result | this->next(x, record_info{t, i.from});
    }
    using link<Next>::on;
    /// Behind what it stands for: at least once, a part of a commit may be all that becomes
    /// durable, and what is replayed then must not be late.
    void on(flow::signals::save& s) {
      this->next.on(s);
      if (std::exchange(saved, watermark) == watermark) return;
      out->state.put(
          store, [this](byte_writer& w) { w.put_raw(store_key); },
          [this](byte_writer& w) { put_time(w, watermark); });
    }
    void on(flow::signals::load& s) {
      if (const auto stored = stores->find(store, store_key)) {
        byte_reader r{*stored};
        watermark = saved = get_time(r);
      }
      this->next.on(s);
      if (watermark != timestamp::min()) s.result |= advance();
    }

  private:
    step advance() {
      flow::signals::watermark s{watermark};
      this->next.on(s);
      return s.result;
    }
  };
  template <class Next>
  op<Next> bind(Next next, flow::wiring& w) {
    return {{std::move(next)},   std::move(time_of), bound, &w.out(), &w.stores(),
            w.watermark_store(), w.next_watermark()};
  }
};

/// fold() on windows of a keyed stream. Values are cached by pane: one window with all its keys. A
/// key that a record has come for has a timer at the end of the window.
template <class KeyFn, class Key, class Acc, class F, class In, class Late>
struct window_fold_stage {
  static constexpr bool gives_time = true;  ///< the window's end, whatever came before
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
    using row = windowed<Key, Acc>;
    using pane = window_contents<row>;
    using pane_map = std::map<timestamp, pane>;
    using cell = typename pane::cell;

    window_fold_stage settings;
    flow::outlet_buffer* late_out;
    flow::changes* out;
    const stores::store_reader* stores;
    const flow::quarantine* bad;
    std::size_t store, max_cached;
    timers<cell> due;
    pane_map panes{};
    typename pane_map::node_type spare{};  ///< the memory of a pane that is not needed any more
    pane* current = nullptr;               ///< the one of the last record, starting at:
    timestamp current_start{};
    timestamp watermark = timestamp::min();
    timestamp next_due = timestamp::min();  ///< before it no window has to fire or to go

    // -- records ---

    step operator()(const In& x, const record_info& i) {
      const auto start = start_of(i.time);
      const bool is_late = end_of(start) <= watermark;
      if (is_late && is_expired(start)) [[unlikely]]
        return too_late(x);
      if (start != current_start || current == nullptr) [[unlikely]]
        select(start);
      auto& c = current->at(std::invoke(settings.key_of, x));
      std::invoke(settings.fn, c.row.value, x);
      current->touch(c);
      ++out->counted[record_way::kept];
      if (is_late) return emit(c.row);
      if (!c.timer.is_set) [[unlikely]]
        expect(c);
      return step::go_on;
    }
    step too_late(const In& x) {
      ++out->counted[record_way::late];
      if constexpr (std::same_as<Late, nothing>)
        ++out->count.records_late;
      else
        write(*settings.late, *late_out, x);
      return step::go_on;
    }

    using link<Next>::on;

    // -- time ---

    void on(flow::signals::watermark& s) {
      watermark = out->count.watermark = s.value;
      if (watermark >= next_due) [[unlikely]]
        s.result |= drain();
      this->next.on(s);
    }
    /// Open windows fire. Nothing expires: more records may come for them, at once or in another
    /// run.
    void on(flow::signals::finish& s) {
      for (auto t = due.next(); t != timestamp::max(); t = due.next()) s.result |= fire(t);
      this->next.on(s);
    }

    // -- durability ---

    void on(flow::signals::load& s) {
      stores->scan(store, "w", [this](std::string_view key, auto) {
        pane_at(time_of_entry(key)).found_mark();
        return true;
      });
      due.load();
      this->next.on(s);
    }
    void on(flow::signals::save& s) {
      for (auto& [start, p] : panes) p.save(!settings.lateness.is_unlimited, saving(start));
      this->next.on(s);
    }
    void on(flow::signals::committed& s) {
      if (settings.lateness.is_unlimited) forget_idle();
      evict();
      this->next.on(s);
    }

  private:
    timestamp start_of(timestamp t) const {
      const auto size = settings.window.size;
      if (t >= current_start && t - current_start < size) [[likely]]
        return current_start;
      const auto since = t.time_since_epoch();
      return timestamp{since - (since % size + size) % size};
    }
    bool is_expired(timestamp start) const {
      return !settings.lateness.is_unlimited && end_of(start) + settings.lateness.by <= watermark;
    }
    timestamp end_of(timestamp start) const { return start + settings.window.size; }
    auto saving(timestamp start) {
      return [this, end = end_of(start)](cell& c) { due.save(end, c); };
    }

    pane& pane_at(timestamp start) {
      const auto it = panes.find(start);
      if (it != panes.end()) return it->second;
      row blank{{}, {start, end_of(start)}, settings.initial};
      if (spare.empty())
        return panes.emplace(start, pane{&out->state, stores, store, std::move(blank)})
            .first->second;
      spare.key() = start;
      spare.mapped().reset(std::move(blank));
      return panes.insert(std::move(spare)).position->second;
    }
    void select(timestamp start) {
      const auto known = panes.size();
      current = &pane_at(start);
      current_start = start;
      if (panes.size() == known) return;
      current->load();
      next_due = std::min(next_due, end_of(start));
    }
    [[gnu::noinline]] void expect(cell& c) {
      const auto end = end_of(current_start);
      due.set(end, c);
      current->list(c);
      next_due = std::min(next_due, end);
    }
    void drop(typename pane_map::iterator p) {
      if (&p->second == current) current = nullptr;
      auto unused = panes.extract(p);
      if (unused.mapped().size() <= max_cached) spare = std::move(unused);
    }

    /// One firing of a window for a key. The record whose arrival moved the clock, or was late, has
    /// no part in it: what follows belongs to the window.
    struct firing {
      const op* window;
      const row* fired;
      static flow::kept_origin keep(const void* of) {
        const auto& f = *static_cast<const firing*>(of);
        byte_writer key;
        return {.what = flow::origin_kind::window,
                .index = f.window->store,
                .key = std::string{moved_key_of(f.fired->key, key)},
                .value = encoded(f.fired->value),
                .time = f.fired->window.start,
                .end = f.fired->window.end};
      }
    };
    step emit(const row& r) {
      ++out->counted[record_way::fired];
      const firing f{this, &r};
      if (!bad->empty()) [[unlikely]] {
        auto kept = firing::keep(&f);
        if (const auto* known = bad->find(kept, {})) {
          ++out->counted[record_way::rejected];
          out->rejected.push_back({std::move(kept), known->reason});
          return step::go_on;
        }
      }
      const flow::origin origin{&f, firing::keep};
      const record_info i{r.window.end - std::chrono::milliseconds{1}, &origin};
      return flow::blame([&] { return this->next(r, i); }, [&f] { return firing::keep(&f); });
    }
    /// The window that ends at `end`, for all keys that have a timer.
    step fire(timestamp end) {
      auto result = step::go_on;
      auto& p = pane_at(end - settings.window.size);
      const auto recall = [&p](timestamp, std::string_view stored) -> cell* {
        const auto key = decoded<Key>(stored);
        return p.find(key) == nullptr ? &p.at(key) : nullptr;
      };
      while (auto* c = due.pop(end, recall)) {
        p.list(*c);
        result |= emit(std::as_const(c->row));
      }
      return result;
    }
    /// Fires and removes what is due, one window after the other.
    [[gnu::noinline]] step drain() {
      auto result = step::go_on;
      while (due.next() <= watermark) {
        result |= fire(due.next());
        remove_expired();
      }
      remove_expired();
      next_due = due.next();
      if (!panes.empty() && !settings.lateness.is_unlimited)
        next_due = std::min(next_due, end_of(panes.begin()->first) + settings.lateness.by);
      return result;
    }
    void remove_expired() {
      for (auto p = panes.begin(); p != panes.end() && is_expired(p->first); p = panes.begin()) {
        if (due.has(end_of(p->first))) return;  // it fires first
        p->second.remove(saving(p->first));
        drop(p);
      }
    }
    /// With unlimited lateness: if a late record comes, the value is read again.
    void forget_idle() {
      for (auto at = panes.begin(); at != panes.end();) {
        const auto p = at++;
        if (p->second.unchanged() == p->second.size() && !due.has(end_of(p->first))) drop(p);
      }
    }
    void evict() {
      std::size_t unchanged = 0;
      for (const auto& [start, p] : panes) unchanged += p.unchanged();
      for (auto p = panes.begin(); unchanged > max_cached && p != panes.end(); ++p) {
        unchanged -= p->second.unchanged();
        p->second.evict();
        due.held_are(end_of(p->first), [&](auto f) { p->second.for_each(f); });
      }
    }
  };

  template <class Next>
  op<Next> bind(Next next, flow::wiring& w) {
    flow::outlet_buffer* late_out = nullptr;
    if constexpr (!std::same_as<Late, nothing>) late_out = w.outlet(late, late->name());
    const auto index = w.state(
        store.member, store.name,
        {codec<Key>::schema_text, "tumbling " + std::to_string(window.size.count()) + " ms"});
    return {{std::move(next)},
            std::move(*this),
            late_out,
            &w.out(),
            &w.stores(),
            &w.bad(),
            index,
            w.max_cached(),
            timers<typename op<Next>::cell>{&w.out().state, &w.stores(), index}};
  }
};

}  // namespace detail
}  // namespace cloudflow
